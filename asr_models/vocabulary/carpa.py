"""The large language model as Kaldi keeps one for rescoring (const ARPA): half a million n-grams in a few megabytes.

A state is its log probability, its back-off weight, the number of its followers and then each follower's word with
either its log probability (an even number, its bits those of a float) or the distance to its own state (odd).
"""

import struct
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from asr_models.vocabulary.grams import END, START, Gram, Grams

_NO_UNKNOWN = -1
_LONGEST = 3  # words in a row; longer ones only a spoilt file has


def write(grams: Grams, numbers: Mapping[str, int], path: Path) -> None:
    """As `G.carpa`, the words by their `numbers`."""
    followers: dict[Gram, list[str]] = defaultdict(list)
    for gram in grams.logs:
        if len(gram) > 1:
            followers[gram[:-1]].append(gram[-1])
    order = max(map(len, grams.logs))

    def has_state(gram: Gram) -> bool:
        return len(gram) == 1 or gram in followers or bool(grams.weights.get(gram))

    states = sorted(filter(has_state, grams.logs), key=lambda gram: (len(gram), [numbers[word] for word in gram]))
    places, size = {}, 0
    for gram in states:
        places[gram] = size
        size += 3 + 2 * len(followers.get(gram, ()))
    table = np.zeros(size, np.int32)
    floats = table.view(np.float32)
    for gram in states:
        at = places[gram]
        floats[at], floats[at + 1] = grams.logs[gram], grams.weights.get(gram, 0.0)
        after = sorted(followers.get(gram, ()), key=numbers.__getitem__)
        table[at + 2] = len(after)
        for slot, word in zip(range(at + 3, at + 3 + 2 * len(after), 2), after, strict=True):
            table[slot] = numbers[word]
            follower = (*gram, word)
            if has_state(follower):
                table[slot + 1] = 2 * (places[follower] - at) + 1
            else:
                floats[slot + 1] = grams.logs[follower]
                table[slot + 1] &= ~1
    place_of = {numbers[gram[0]]: place for gram, place in places.items() if len(gram) == 1}
    words = max(place_of) + 1
    unigrams = struct.pack(f"<{words}q", *(place_of.get(word, -1) + 1 for word in range(words)))
    with path.open("wb") as out:
        out.write(b"\0B<ConstArpaLm> <LmInfo> ")
        out.write(b"".join(_int32(value) for value in (numbers[START], numbers[END], _NO_UNKNOWN, order)))
        out.write(b"</LmInfo> <LmStates> " + _int64(size) + table.tobytes() + b"</LmStates> <LmUnigram> ")
        out.write(_int32(words) + unigrams + b"</LmUnigram> <LmOverflow> " + _int32(0))
        out.write(b"</LmOverflow> </ConstArpaLm> ")


def read(path: Path, words: Sequence[str]) -> Grams:
    """What `write` wrote; `words` by their numbers. Raises `ValueError` for any other file."""
    try:
        return _read(path.read_bytes(), words)
    except (ValueError, IndexError, struct.error) as trouble:
        raise ValueError(f"{path} is spoilt, or belongs to other words ({trouble})") from trouble


def _read(data: bytes, words: Sequence[str]) -> Grams:
    head = data.index(b"<LmStates> ") + len(b"<LmStates> ")
    (size,) = struct.unpack_from("<q", data, head + 1)
    table = np.frombuffer(data, np.int32, size, head + 9)
    floats = table.view(np.float32)
    start = data.index(b"<LmUnigram> ", head + 9 + 4 * size) + len(b"<LmUnigram> ")
    (count,) = struct.unpack_from("<i", data, start + 1)
    grams = Grams()

    def take(gram: Gram, at: int) -> None:
        if at < 0 or len(gram) > _LONGEST or len(grams.logs) > size:
            raise ValueError("its states lead nowhere")
        grams.logs[gram] = float(floats[at])
        if floats[at + 1]:
            grams.weights[gram] = float(floats[at + 1])
        for slot in range(at + 3, at + 3 + 2 * int(table[at + 2]), 2):
            follower, told = (*gram, words[table[slot]]), int(table[slot + 1])
            if told % 2:
                take(follower, at + told // 2)
            else:
                grams.logs[follower] = float(floats[slot + 1])

    for word in range(count):
        (place,) = struct.unpack_from("<q", data, start + 5 + 8 * word)
        if place:
            take((words[word],), place - 1)
    return grams


def _int32(value: int) -> bytes:
    return b"\4" + struct.pack("<i", value)


def _int64(value: int) -> bytes:
    return b"\x08" + struct.pack("<q", value)
