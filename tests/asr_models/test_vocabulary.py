"""The words of a model: how they are said, how likely they are, and the graph that is made of both."""

from __future__ import annotations

import doctest
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin.constants import PHRASES_DICT, PINYIN_DICT
from pypinyin.contrib.tone_convert import to_tone3

from asr_models import catalogue
from asr_models.recogniser import Model, load, transcribe
from asr_models.vocabulary import carpa, lexicon, phones
from asr_models.vocabulary.grams import END, NEVER, START, Gram, Grams
from asr_models.vocabulary.lexicon import NewWord, WordsWrong, new_words
from asr_models.vocabulary.phones import NotPinyin

Say = Callable[[str], bytes]


# -- how words are said --------------------------------------------------------------------------------------


def test_what_the_docstrings_say_is_so() -> None:
    assert doctest.testmod(phones).attempted > 0
    assert doctest.testmod(phones).failed == 0


def test_every_syllable_of_the_dictionary_has_units() -> None:
    syllables = {reading[0] for code in PINYIN_DICT for reading in phones.all_readings(chr(code))}
    marked = {mark for ways in PHRASES_DICT.values() for way in ways for mark in way}
    syllables |= {to_tone3(mark, neutral_tone_with_five=True, v_to_u=False) for mark in marked}
    assert len(syllables) > 1200
    units = {unit for syllable in syllables for unit in phones.phones(syllable)}
    assert units <= set(phones.PHONES)


@pytest.mark.parametrize("written", ["zhong", "zhong6", "5", "", "xyz1", "xi1pu3", "中1"])
def test_what_is_no_syllable_is_named_with_an_example_of_one(written: str) -> None:
    with pytest.raises(NotPinyin, match="such as zhong1") as wrong:
        phones.phones(written)
    assert repr(written) in str(wrong.value)
    assert wrong.value.syllable == written


def test_every_state_of_every_unit_has_an_output_of_its_own() -> None:
    assert len(set(phones.PHONES)) == len(phones.PHONES)
    assert sorted(phones.pdfs().values()) == list(range(sum(map(phones.states, phones.PHONES))))
    assert phones.pdfs()[phones.SILENCE, 0] == 0


def test_sichuan_keeps_the_tone_and_every_syllable_stays_one() -> None:
    for code in range(0x4E00, 0x9FA5):
        for (syllable,) in phones.all_readings(chr(code)):
            accented = phones.sichuan(syllable)
            assert accented[-1] == syllable[-1]
            assert phones.phones(accented)
    assert [phones.sichuan(one) for one in ("nv3", "n2", "ng4", "zhi1")] == ["nv3", "n2", "ng4", "zi1"]


@pytest.mark.parametrize(
    ("word", "careful", "said"),
    [
        ("我想买", "wo3 xiang3 mai3", "wo2 xiang2 mai3"),
        ("一天", "yi1 tian1", "yi4 tian1"),
        ("一个", "yi1 ge5", "yi1 ge5"),
        ("第一", "di4 yi1", "di4 yi1"),
        ("不好", "bu4 hao3", "bu4 hao3"),
        ("医院", "yi1 yuan4", "yi1 yuan4"),
    ],
)
def test_tones_change_in_one_breath_and_only_where_they_must(word: str, careful: str, said: str) -> None:
    assert phones.sandhi(word, careful.split()) == said.split()


def test_a_word_is_read_as_the_data_says_and_else_as_it_is_usually_read() -> None:
    assert phones.readings("绿色") == ["lv4", "se4"]
    assert phones.readings("妇女") == ["fu4", "nv3"]
    assert phones.readings("疟疾") == ["nve4", "ji2"]
    assert phones.readings("大邑", {"大邑": ["dai4", "yi4"]}) == ["dai4", "yi4"]
    assert phones.readings("A座") == []
    assert {"hang2", "xing2"} <= {reading[0] for reading in phones.all_readings("行")}
    assert list(phones.all_readings("银行")) == [["yin2", "hang2"]]
    assert list(phones.all_readings("行", {"行": ["hang2"]})) == [["hang2"]]


# -- lists of words ------------------------------------------------------------------------------------------


def test_a_list_may_have_digits_or_marks_remarks_and_the_mark_that_windows_puts_first() -> None:
    text = "\ufeff犀浦 xi1 pu3\n\n# 街道\n郫筒\tpí tǒng  # 以前的县城\n抚琴\n女儿河　nǚ ér hé\n绿舟 lü4 zhou1\n"
    assert new_words(text + "房子 fáng zi") == [
        NewWord("犀浦", ["xi1", "pu3"]),
        NewWord("郫筒", ["pi2", "tong3"]),
        NewWord("抚琴", ["fu3", "qin2"]),
        NewWord("女儿河", ["nv3", "er2", "he2"]),
        NewWord("绿舟", ["lü4", "zhou1"]),
        NewWord("房子", ["fang2", "zi5"]),
    ]
    assert phones.phones("lü4") == phones.phones("lv4")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("3号线", "write it as it is said"),
        ("KTV", "not written in Chinese characters alone"),
        ("麓湖，", "not written in Chinese characters alone"),
        ("成都市武侯区石羊街道办事处便民服务中心", "longer than 16 characters: write the name only"),
        ("犀浦 xi1 pooh3", "'pooh3' is not a Mandarin syllable"),
        ("犀浦 xi1 pu6", "'pu6' is not a Mandarin syllable"),
        ("犀浦 xi1", "write one for each of its 2 characters"),
        ("犀浦 xi1pu3", "write one for each of its 2 characters"),
        ("犀浦 xi pu", "'xi' of '犀浦' has no tone: write each as a digit"),
        ("犀浦 xi1 pu", "'pu' of '犀浦' has no tone: write each as a digit"),
        ("犀 浦", "'浦' is not a Mandarin syllable"),
        ("犀浦 xī póoh", "'póoh' is not a Mandarin syllable"),
        ("龨龨", "write its pinyin after it"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_number_and_what_to_do(line: str, why: str) -> None:
    with pytest.raises(WordsWrong, match="line 3: ") as wrong:
        new_words(f"# 新词\n抚琴\n{line}\n犀浦 xi1 pu3")
    (problem,) = wrong.value.problems
    assert why in problem


def test_all_wrong_lines_are_named_at_once() -> None:
    with pytest.raises(WordsWrong) as wrong:
        new_words("A\n抚琴\nB\n")
    assert [problem[:7] for problem in wrong.value.problems] == ["line 1:", "line 3:"]


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "# nothing yet\n"])
def test_a_list_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(WordsWrong, match="no word in the file: write one a line"):
        new_words(text)


def test_a_lexicon_is_read_as_it_was_written_and_the_same_words_make_the_same_file(tmp_path: Path) -> None:
    known = {"行": [("x", "ing2"), ("h", "ang2")], "阿": [("a1",)]}
    lexicon.write(known, tmp_path / "a.gz")
    lexicon.write(dict(reversed(known.items())), tmp_path / "b.gz")
    assert lexicon.read(tmp_path / "a.gz") == known
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


# -- how likely they are -------------------------------------------------------------------------------------

WORDS = ["路", "灯", "坏", "了"]


def _chances(followers: list[str], most: float) -> st.SearchStrategy[dict[str, float]]:
    """For some of `followers`, together `most`; never for so many that nobody is left to whom the rest could go."""

    def shared(drawn: dict[str, float]) -> dict[str, float]:
        return {word: most * part / sum(drawn.values()) for word, part in drawn.items()}

    part = st.floats(0.5, 1.0)
    return st.dictionaries(st.sampled_from(followers), part, max_size=2).map(shared)


@st.composite
def models(draw: st.DrawFn) -> Grams:
    every = [*WORDS, END]
    logs: dict[Gram, float] = {(word,): math.log(draw(st.floats(0.1, 0.2))) for word in every}
    logs[START,] = NEVER
    for before in (START, *WORDS):
        logs |= {(before, word): math.log(p) for word, p in draw(_chances(every, 0.9)).items()}
    for first, second in [gram for gram in logs if len(gram) == 2 and gram[1] != END]:
        logs |= {(first, second, word): math.log(p) for word, p in draw(_chances(every, 0.9)).items()}
    grams = Grams(logs)
    grams.weigh()
    return grams


def total(grams: Grams, before: Gram) -> float:
    return sum(math.exp(grams.log((*before, word))) for word in {*grams.words(), END})


@settings(deadline=None, max_examples=60)
@given(models(), st.integers(0, 12))
def test_the_chances_of_all_words_make_one_after_whatever_was_said(grams: Grams, pairs: int) -> None:
    said = [(), *((word,) for word in (START, *WORDS)), *((a, b) for a in (START, *WORDS) for b in WORDS)]
    for model in (grams, grams.strongest(pairs), grams.only({"路", "灯", "坏"})):
        assert [total(model, before) for before in said] == pytest.approx([1.0] * len(said))


def test_of_the_pairs_those_are_kept_that_tell_most() -> None:
    grams = Grams({(word,): math.log(0.2) for word in (*WORDS, END)})
    grams.logs |= {
        (START,): NEVER,
        ("路", "灯"): math.log(0.9),
        ("坏", "了"): math.log(0.5),
        ("坏", "灯"): math.log(0.21),
        ("了", "路"): math.log(0.01),  # less likely than without the pair
        ("路", "灯", "坏"): math.log(0.9),
    }
    grams.weigh()
    kept = grams.strongest(2)
    assert {gram for gram in kept.logs if len(gram) > 1} == {("路", "灯"), ("坏", "了")}
    assert set(kept.words()) == set(WORDS)
    assert ("了", "路") not in grams.strongest(10).logs


def test_without_a_word_nothing_that_holds_it_is_left() -> None:
    grams = Grams({(word,): math.log(0.2) for word in (*WORDS, END)} | {("路", "灯"): math.log(0.5), (START,): NEVER})
    grams.weigh()
    fewer = grams.only({"路", "坏", "了"})
    assert set(fewer.logs) == {("路",), ("坏",), ("了",), (END,), (START,)}


# -- the file for rescoring ----------------------------------------------------------------------------------

TABLE = ["<eps>", *sorted(WORDS), "#0", START, END]
NUMBERS = {word: number for number, word in enumerate(TABLE)}


@settings(deadline=None, max_examples=60)
@given(models())
def test_a_large_language_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, grams: Grams) -> None:
    path = tmp_path_factory.mktemp("carpa") / "G.carpa"
    carpa.write(grams, NUMBERS, path)
    again = carpa.read(path, TABLE)
    assert again.logs == pytest.approx(grams.logs, rel=1e-6)
    assert again.weights == pytest.approx({gram: weight for gram, weight in grams.weights.items() if weight}, rel=1e-6)


def _toy(path: Path) -> bytes:
    grams = Grams({(word,): math.log(0.2) for word in (*WORDS, END)})
    grams.logs |= {(START,): NEVER, (START, "路"): -1.0, ("路", "灯"): -0.5, ("路", "灯", "坏"): -0.1}
    grams.weigh()
    carpa.write(grams, NUMBERS, path)
    return path.read_bytes()


def test_a_file_cut_short_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "G.carpa"
    whole = _toy(path)
    needed = whole.index(b"</LmUnigram>")
    for content in (*(whole[:length] for length in range(needed)), b"PK\3\4" * 100, b"<LmStates> ", b""):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is spoilt"):
            carpa.read(path, TABLE)


def test_a_file_of_other_words_is_refused(tmp_path: Path) -> None:
    _toy(tmp_path / "G.carpa")
    with pytest.raises(ValueError, match="belongs to other words"):
        carpa.read(tmp_path / "G.carpa", TABLE[:3])


def test_a_file_with_wrong_bytes_is_refused_or_read_but_never_hangs_or_crashes(tmp_path: Path) -> None:
    path, random = tmp_path / "G.carpa", Random(1)
    whole, refused = _toy(path), 0
    for _ in range(600):
        spoilt = bytearray(whole)
        at = random.randrange(len(spoilt) - 4)
        spoilt[at : at + 4] = random.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\0\0\0", random.randbytes(4)))
        path.write_bytes(spoilt)
        try:
            carpa.read(path, TABLE)
        except ValueError:
            refused += 1
    assert refused > 100


# -- the graph, heard with -----------------------------------------------------------------------------------

LAMP = {
    "武侯区": ["wu3 hou2 qu1"],
    "石羊": ["shi2 yang2"],
    "街道": ["jie1 dao4"],
    "路灯": ["lu4 deng1"],
    "坏": ["huai4"],
    "了": ["le5"],
    "燃气": ["ran2 qi4"],
    "泄漏": ["xie4 lou4"],
    "味道": ["wei4 dao4"],
    "很大": ["hen3 da4"],
}


@pytest.mark.parametrize(
    "words", [["武侯区", "石羊", "街道", "路灯", "坏", "了"], ["燃气", "泄漏", "味道", "很大"], ["路灯", "味道", "了"]]
)
def test_a_graph_of_ten_words_hears_exactly_these(
    tmp_path_factory: pytest.TempPathFactory, say: Say, words: list[str]
) -> None:
    (final,) = transcribe(_ten_words(tmp_path_factory), say("".join(words)), 8000)
    assert [word.text for word in final.words] == words


def _ten_words(made_in: pytest.TempPathFactory) -> Model:
    folder = made_in.getbasetemp() / "ten-words"
    if not folder.exists():
        tiny_model.build(folder, LAMP, tiny_model.equal(LAMP), catalogue.EMBEDDED)
    return load(folder)


def test_words_that_sound_alike_are_told_apart_by_what_stands_two_words_before(tmp_path: Path, say: Say) -> None:
    words = {
        "我们": ["wo3 men5"],
        "他们": ["ta1 men5"],
        "讨论": ["tao3 lun4"],
        "公式": ["gong1 shi4"],
        "攻势": ["gong1 shi4"],
    }
    pairs = {("我们", "讨论"): 0.5, ("他们", "讨论"): 0.5, ("讨论", "公式"): 0.4, ("讨论", "攻势"): 0.4}
    triples = {("我们", "讨论", "公式"): 0.9, ("他们", "讨论", "攻势"): 0.9}
    chances = tiny_model.equal(words) | pairs | triples
    model = load(tiny_model.build(tmp_path / "two", words, chances, catalogue.EMBEDDED))
    for sentence in ("我们讨论公式", "他们讨论攻势"):
        assert "".join(final.text for final in transcribe(model, say(sentence), 8000)) == sentence
