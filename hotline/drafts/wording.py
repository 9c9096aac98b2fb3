"""How a draft is worded: a title of thirty characters, a content in the third person, all in the caller's words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hotline.drafts.found import Named
from hotline.drafts.heard import BREAK
from hotline.drafts.judge import TOPIC, Judgement
from hotline.drafts.lexicon import load as lexicon
from hotline.drafts.rules import Rules
from hotline.units.gazetteer import Kind, find_places

_SHORTEST = 4  # characters of a title's matter that still say something
_AGAIN = re.compile(r"((?=.*?[^0-9零〇一二两三四五六七八九十百千万幺\s，,])[^，,]{2,12}?)[，,]?\1+")
_MARKS = re.compile(r"[，,、]*([。！!？?，,])[，,、。]*")
_EDGES = "，,。、！!？? "


def content(text: str, category: str | None, rules: Rules) -> Named | None:
    """All that was said, in the third person, without greetings, fillers and what was said twice."""
    told = _tidy(text, rules)
    for pattern, words in rules.content.instead:
        told = pattern.sub(words, told)
    told = told.strip(_EDGES)
    if not told:
        return None
    return Named(f"{rules.content.opening.get(category or '', '来电人反映：')}{told}。", 0, len(text), 0.9)


def _tidy(text: str, rules: Rules) -> str:
    """`text` without what says nothing, with one mark where several met."""
    told = text.replace(BREAK, "，")
    while (shorter := _AGAIN.sub(r"\1", rules.content.drop.sub("", told))) != told:
        told = shorter
    return _MARKS.sub(r"\1", told)


def title(text: str, judgement: Judgement, places: Sequence[str], rules: Rules) -> Named | None:
    """Where and what, of at most `title_length` characters: the words that decided the topic, after the place."""
    best = judgement.best(TOPIC)
    if best is None:
        return None
    place = ""
    for name in places:
        if name not in place and len(place) + len(name) <= rules.title_length // 2:
            place = name if name.startswith(place) else place + name
    room = rules.title_length - len(place)
    start, end = judgement.where(TOPIC, best.name, room)
    start, end = _whole_words(text, start, end, room)
    matter = text[slice(*_matter(text, start, end, places, rules))]
    value = (place + matter.replace(BREAK, "，").strip(_EDGES)).strip(_EDGES)
    return Named(value[: rules.title_length], start, end, 0.6) if value else None


def _matter(text: str, start: int, end: int, places: Sequence[str], rules: Rules) -> tuple[int, int]:
    """What lies between greetings and places, which stand before it, and what is asked for, unless hardly anything
    does."""
    ending = rules.ending.search(text, start)
    if ending and ending.start() - start >= _SHORTEST:
        end = min(end, ending.start())
    before = -1
    while before != start:
        before = start
        lead_in = rules.lead_in.match(text, start, end)
        if lead_in and end - lead_in.end() >= _SHORTEST:
            start = lead_in.end()
        start, end = _beside_places(text, start, end)
        start += next((len(name) for name in places if text.startswith(name, start)), 0)
    return start, end


def _beside_places(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the district and the street that it begins with, which stand before it, and without half a name."""
    for place in find_places(text):
        office = place.kind in (Kind.DISTRICT, Kind.STREET)
        if place.start < start < place.end or (office and place.start == start):
            start = place.end
        elif place.start < end < place.end and place.start > start:
            end = place.start
    return start, end


def _whole_words(text: str, start: int, end: int, longest: int) -> tuple[int, int]:
    """As much of the clause around `start:end` as there is room for, its words whole."""
    first = max(text.rfind(mark, 0, start) for mark in "，。,！？!?\n") + 1
    last = min((at for mark in "，。,！？!?\n" if (at := text.find(mark, end)) >= 0), default=len(text))
    if last - first <= longest:
        return first, last
    edges = [first]
    for word in lexicon().cut(text[first:last]):
        edges.append(edges[-1] + len(word))
    inside = [edge for edge in edges if edge <= start]
    start = max(inside, default=first)
    end = max((edge for edge in edges if start < edge <= start + longest), default=min(last, start + longest))
    return start, end
