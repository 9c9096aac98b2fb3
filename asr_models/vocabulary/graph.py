"""From words to the one graph that Vosk searches: HCLG, composed of the lexicon, the n-grams and the HMMs.

Needs kaldifst and kaldilm, which must never share a process with vosk: run it as a program.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import kaldifst
import kaldilm

from asr_models.vocabulary import carpa, phones
from asr_models.vocabulary.grams import Grams
from asr_models.vocabulary.lexicon import Lexicon

PAUSE = 0.25
"""The chance of a silence between two words."""


def build(lexicon: Lexicon, grams: Grams, pairs: int, model: Path) -> None:
    """Writes graph/HCLG.fst and graph/words.txt of `model`, with the words of `lexicon` and the strongest `pairs` of
    them; and rescore/, with which the best paths through it are judged again by all of `grams`."""
    graph, rescore = model / "graph", model / "rescore"
    for folder in (graph, rescore):
        folder.mkdir(parents=True, exist_ok=True)
    words = ["<eps>", *sorted(lexicon), "#0", "<s>", "</s>"]
    (graph / "phones").mkdir(exist_ok=True)
    (graph / "phones/word_boundary.int").write_text(phones.word_boundaries())
    table = graph / "words.txt"
    table.write_text("".join(f"{word} {number}\n" for number, word in enumerate(words)), encoding="utf-8")
    numbers = {word: number for number, word in enumerate(words)}
    grammar, arpa = rescore / "G.fst", rescore / "G.arpa"
    grams.strongest(pairs).write_arpa(arpa)
    kaldilm.arpa2fst(str(arpa), str(grammar), disambig_symbol="#0", read_symbol_table=str(table))
    arpa.unlink()
    g = kaldifst.StdVectorFst.read(str(grammar))
    _straight(_without(g, {numbers["#0"]})).write(str(grammar))
    kaldifst.arcsort(g, sort_type="ilabel")
    spoken, last_symbol = _lexicon(lexicon, numbers)
    kaldifst.arcsort(spoken, sort_type="olabel")
    lg = kaldifst.compose(spoken, g)
    kaldifst.determinize_star(lg, use_log=True)
    kaldifst.minimize_encoded(lg)
    kaldifst.arcsort(lg, sort_type="ilabel")
    first_symbol = len(phones.PLACED) + 1
    h, symbols = _hmms(range(first_symbol, last_symbol + 1))
    kaldifst.arcsort(h, sort_type="olabel")
    hclg = kaldifst.compose(h, lg)
    kaldifst.determinize_star(hclg, use_log=True)
    hclg = _without(hclg, symbols)
    kaldifst.minimize_encoded(hclg)
    hclg.write(str(graph / "HCLG.fst"))
    carpa.write(grams, numbers, rescore / "G.carpa")


def _lexicon(lexicon: Lexicon, numbers: Mapping[str, int]) -> tuple[kaldifst.StdVectorFst, int]:
    """L, with symbols that keep apart words that sound alike, and the last of these symbols."""
    said: dict[tuple[str, ...], list[tuple[str, float]]] = defaultdict(list)
    for word, ways in sorted(lexicon.items()):
        for way in ways:
            said[phones.placed(way)].append((word, math.log(len(ways)) * 0.5))
    inner = {way[:length] for way in said for length in range(1, len(way))}
    unit = {phone: number for number, phone in enumerate(phones.PLACED, 1)}
    zero = len(phones.PLACED) + 1  # #0 of the grammar, then #1 and on, then the pause's own
    most = max(len(alike) for alike in said.values())
    after_pause = zero + most + 1
    fst = kaldifst.StdVectorFst()
    start, loop, pause, closed = (fst.add_state() for _ in range(4))
    fst.start = start
    silence = unit[phones.SILENCE]

    def arc(source: int, heard: int, word: int, weight: float, target: int) -> None:
        fst.add_arc(source, kaldifst.StdArc(ilabel=heard, olabel=word, weight=weight, nextstate=target))

    paused, at_once = -math.log(PAUSE), -math.log(1 - PAUSE)
    arc(start, 0, 0, at_once, loop)
    arc(start, 0, 0, paused, pause)
    arc(pause, silence, 0, 0.0, closed)
    arc(closed, after_pause, 0, 0.0, loop)
    arc(loop, zero, numbers["#0"], 0.0, loop)
    for way, alike in said.items():
        for number, (word, weight) in enumerate(alike):
            here = loop
            heard = [unit[phone] for phone in way]
            if len(alike) > 1 or way in inner:
                heard.append(zero + number + 1)
            for place, label in enumerate(heard[:-1]):
                there = fst.add_state()
                arc(here, label, numbers[word] if place == 0 else 0, weight if place == 0 else 0.0, there)
                here = there
            label, output = heard[-1], numbers[word] if len(heard) == 1 else 0
            first = weight if len(heard) == 1 else 0.0
            arc(here, label, output, first + at_once, loop)
            arc(here, label, output, first + paused, pause)
    fst.set_final(loop, 0.0)
    return fst, after_pause


def _hmms(symbols: Sequence[int]) -> tuple[kaldifst.StdVectorFst, set[int]]:
    """H from transitions to units; the lexicon's symbols pass through under labels beyond all transitions."""
    h = kaldifst.StdVectorFst()
    start = h.add_state()
    h.start = start
    h.set_final(start, 0.0)
    chains: dict[int, list[int]] = defaultdict(list)
    for number, (phone, _, _) in enumerate(phones.transitions(), 1):
        chains[phone].append(number)
    for phone, chain in chains.items():
        here = start
        for place, number in enumerate(chain):
            # The way on comes first and then the loop, as Kaldi's graphs have it (reorder): whoever looks for the ends
            # of words in them takes the loops that follow a way on for the same unit's.
            there = h.add_state()
            arc = kaldifst.StdArc(ilabel=2 * number, olabel=0 if place else phone, weight=0.0, nextstate=there)
            h.add_arc(here, arc)
            h.add_arc(there, kaldifst.StdArc(ilabel=2 * number - 1, olabel=0, weight=0.0, nextstate=there))
            here = there
        h.add_arc(here, kaldifst.StdArc(ilabel=0, olabel=0, weight=0.0, nextstate=start))
    beyond = 2 * len(phones.transitions()) + 1
    passed = set()
    for place, symbol in enumerate(symbols):
        h.add_arc(start, kaldifst.StdArc(ilabel=beyond + place, olabel=symbol, weight=0.0, nextstate=start))
        passed.add(beyond + place)
    return h, passed


def _without(fst: kaldifst.StdVectorFst, symbols: set[int]) -> kaldifst.StdVectorFst:
    """The same with nothing heard where one of `symbols` was."""
    clean = kaldifst.StdVectorFst()
    for _ in range(fst.num_states):
        clean.add_state()
    clean.start = fst.start
    for state in kaldifst.StateIterator(fst):
        if not _is_open(fst, state):
            clean.set_final(state, fst.final(state).value)
        for arc in kaldifst.ArcIterator(fst, state):
            if arc.ilabel in symbols:
                arc = kaldifst.StdArc(ilabel=0, olabel=arc.olabel, weight=arc.weight.value, nextstate=arc.nextstate)
            clean.add_arc(state, arc)
    return clean


def _straight(grammar: kaldifst.StdVectorFst) -> kaldifst.StdVectorFst:
    """The same without the states that lead on to one other state and say nothing."""
    onward: dict[int, tuple[int, float]] = {}
    for state in kaldifst.StateIterator(grammar):
        arcs = list(kaldifst.ArcIterator(grammar, state))
        if len(arcs) == 1 and not arcs[0].ilabel and not arcs[0].olabel and _is_open(grammar, state):
            onward[state] = (arcs[0].nextstate, arcs[0].weight.value)
    onward.pop(grammar.start, None)
    kept = {state: number for number, state in enumerate(s for s in kaldifst.StateIterator(grammar) if s not in onward)}
    straight = kaldifst.StdVectorFst()
    for _ in kept:
        straight.add_state()
    straight.start = kept[grammar.start]
    for state, number in kept.items():
        if not _is_open(grammar, state):
            straight.set_final(number, grammar.final(state).value)
        for arc in kaldifst.ArcIterator(grammar, state):
            target, weight = arc.nextstate, arc.weight.value
            while target in onward:
                target, more = onward[target]
                weight += more
            straight.add_arc(number, kaldifst.StdArc(arc.ilabel, arc.olabel, weight, kept[target]))
    return straight


def _is_open(fst: kaldifst.StdVectorFst, state: int) -> bool:
    return bool(fst.final(state).value == math.inf)
