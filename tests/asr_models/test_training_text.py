"""What the model is taught to expect: sentences from shapes and slots, readings, and which word follows which."""

from __future__ import annotations

import doctest
import math
import re
import struct
import tomllib
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest

from asr_models.training import language, mandarin, readings, script, text
from asr_models.training.mandarin import Mandarin, MandarinMissing
from asr_models.training.synthetic import PAUSE, VOICES
from asr_models.training.text import TEXT, ShapeWrong
from asr_models.vocabulary import phones
from asr_models.vocabulary.grams import END, START

REPOSITORY = Path(__file__).parents[2]
SHAPES, SLOTS, WORDS = (sorted((TEXT / kind).glob("*.txt")) for kind in ("shapes", "slots", "words"))


def lines(path: Path) -> list[str]:
    found = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in found if line and line[0] != "#"]


def chinese(sentence: str) -> str:
    return "".join(text.clauses(sentence))


@pytest.fixture(scope="module")
def shapes() -> text.Shapes:
    return text.read()


# -- what is written down ------------------------------------------------------------------------------------


def test_what_the_docstrings_say_is_so() -> None:
    assert doctest.testmod(text).attempted > 0
    assert doctest.testmod(text).failed == 0


def test_every_shape_can_be_said_in_chinese_and_no_two_are_the_same(shapes: text.Shapes) -> None:
    assert shapes.shapes == [line for path in SHAPES for line in lines(path)]
    assert [shape for shape, count in Counter(shapes.shapes).items() if count > 1] == []
    random = Random(1)
    for shape in shapes.shapes:
        for _ in range(5):
            assert re.fullmatch(r"[\u4e00-\u9fff，。？！]+", text.expand(shape, shapes.slots, random)), shape


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_shapes_stand_under_headings(path: Path) -> None:
    first, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")


@pytest.mark.parametrize("path", SLOTS, ids=lambda path: path.stem)
def test_what_fills_a_slot_is_chinese_and_there_once(path: Path, shapes: text.Shapes) -> None:
    entries = lines(path)
    assert [entry for entry in entries if not re.fullmatch(r"[\u4e00-\u9fff，]+", entry)] == []
    assert [entry for entry, count in Counter(entries).items() if count > 1] == []
    assert {shapes.slots[path.stem](Random(number)) for number in range(50)} <= set(entries)


def test_what_is_made_up_on_the_spot_is_chinese_too(shapes: text.Shapes) -> None:
    random = Random(1)
    for name in {*text._MADE_UP, "place"}:
        said = {shapes.slots[name](random) for _ in range(300)}
        assert len(said) > 5
        assert [one for one in said if not re.fullmatch(r"[\u4e00-\u9fff，]+", one)] == [], name


def test_every_district_and_street_that_a_draft_can_name_is_said() -> None:
    gazetteer = tomllib.loads((REPOSITORY / "hotline/units/gazetteer.toml").read_text(encoding="utf-8"))
    names = set(text.names())
    assert set(gazetteer["districts"]) <= names
    assert {street for streets in gazetteer["streets"].values() for street in streets} <= names
    assert names < set(text.entries())


def test_whatever_fills_a_slot_fills_it_in_some_sentence(shapes: text.Shapes) -> None:
    written = "".join((*shapes.shapes, *text._PLACES))
    assert [slot for slot in shapes.slots if f"{{{slot}}}" not in written] == []


def test_every_reading_is_pinyin_with_a_syllable_for_each_character_and_given_once() -> None:
    given = [line.split("\t") for path in WORDS for line in lines(path)]
    assert [word for word, count in Counter(word for word, _ in given).items() if count > 1] == []
    assert text.words() == {word: reading.split() for word, reading in given}
    for word, reading in given:
        assert re.fullmatch(r"[\u4e00-\u9fff]+", word)
        assert len(reading.split()) == len(word), word
        assert phones.word_phones(reading.split())


def test_no_sentence_that_measures_the_model_can_be_learnt_from_the_shapes(shapes: text.Shapes) -> None:
    measured = set(map(chinese, lines(REPOSITORY / "tests/data/hand_written.txt")))
    assert len(measured) == 200
    written = "|".join(map(chinese, shapes.shapes))
    assert [sentence for sentence in measured if sentence in written] == []
    random = Random(12345)
    said = [shapes.sentence(random) for _ in range(20_000)]
    learnt = set(map(chinese, said)) | {clause for sentence in said for clause in text.clauses(sentence)}
    assert measured & learnt == set()


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ("路灯(坏了", r"'\(' is not closed"),
        ("路灯[坏了)", r"'\[' is not closed"),
        ("路灯坏了)", r"'\)' closes nothing"),
        ("{nowhere}的路灯", "no slot 'nowhere'"),
        ("{when的路灯", "no slot"),
    ],
)
def test_a_shape_that_cannot_be_read_is_named_with_what_is_wrong(tmp_path: Path, shape: str, why: str) -> None:
    (tmp_path / "slots").mkdir()
    (tmp_path / "shapes").mkdir()
    (tmp_path / "slots/when.txt").write_text("昨天\n", encoding="utf-8")
    (tmp_path / "shapes/lamps.txt").write_text(f"# 路灯\n{{when}}坏了\n{shape}\n", encoding="utf-8")
    with pytest.raises(ShapeWrong, match=rf"lamps\.txt: .*: {why}"):
        text.read(tmp_path)


def test_a_choice_gives_each_of_its_branches_and_an_option_gives_nothing_now_and_then() -> None:
    random = Random(1)
    said = {text.expand("(路灯|井盖(子|))[又|都]坏了", {}, random) for _ in range(200)}
    assert said == {f"{what}{how}坏了" for what in ("路灯", "井盖", "井盖子") for how in ("", "又", "都")}


def test_the_same_seed_says_the_same(shapes: text.Shapes) -> None:
    said = [[shapes.sentence(random) for _ in range(20)] for random in (Random(7), Random(7), Random(8))]
    assert said[0] == said[1] != said[2]


# -- general Mandarin ----------------------------------------------------------------------------------------

SHOWN = """\\0-gram\\1
 12.206072397944  15.939255090742 (0,0)
\\1-gram\\9
   2.083106484459  -0.395107760810 (0,0)
，   2.0   -0.5 (0,0)
。   3.0    0.1 (0,0)
路灯   1.0   0.25 (0,0)
坏   1.5   0.75 (0,0)
很多很多很多   2.5   0.0 (0,0)
KTV   2.5   0.0 (0,0)
\\2-gram\\6
 ，   4.394074672006  -0.000000000000 (1,1)
，    3.635853036904  -0.000000000000 (1,0)
， 路灯   0.5  -0.000000000000 (1,3)
路灯 坏   0.25  -0.000000000000 (1,4)
坏 ，   1.0  -0.000000000000 (1,1)
坏 。   1.0  -0.000000000000 (1,2)
。 坏   0.7  -0.000000000000 (1,4)
KTV 坏   0.7  -0.000000000000 (1,4)
\\3-gram\\1
， 路灯 坏   0.1  0.0 (1,4)
"""


def toy() -> Mandarin:
    return mandarin._parse(iter(SHOWN.splitlines()))


def test_of_the_packaged_n_grams_the_words_are_kept_that_can_be_said_and_stops_are_edges() -> None:
    model = toy()
    assert set(model.words) == {"", "路灯", "坏"}
    assert model.words["路灯"] == -1.0
    assert math.exp(model.words[""]) == pytest.approx(math.exp(-2) + math.exp(-3))
    assert model.pairs["路灯"] == {"坏": -0.25}
    assert model.pairs[""] == {"路灯": -0.5}
    assert math.exp(model.pairs["坏"][""]) == pytest.approx(2 * math.exp(-1))


def test_sentences_follow_the_pairs_and_end_where_a_stop_may_stand() -> None:
    said = list(islice(toy().sentences(Random(1), longest=6), 300))
    assert all(1 < len(sentence) <= 6 for sentence in said)
    assert {word for sentence in said for word in sentence} == {"路灯", "坏"}
    follows = Counter(pair for sentence in said for pair in pairwise(sentence))
    assert follows["路灯", "坏"] > follows["路灯", "路灯"]


def test_the_packaged_dictionary_is_read_by_the_number_of_each_word() -> None:
    words = ["<unknown>", "", "路灯", "坏"]
    characters = "\0".join([*words, ""]).encode("utf-32-le")
    assert mandarin._lexicon(struct.pack("<3I", 4, 0, 20) + bytes(8) + characters + b"\1\2") == words


def test_without_the_packages_it_says_which_are_needed(tmp_path: Path) -> None:
    with pytest.raises(MandarinMissing, match="apt install sunpinyin-data sunpinyin-utils"):
        mandarin.read(tmp_path)


# -- how it is read ------------------------------------------------------------------------------------------


def general(*words: str) -> Mandarin:
    """Words as likely as one another, and rare."""
    return Mandarin(dict.fromkeys(["", *words], -12.0), {})


def test_a_word_has_its_careful_reading_and_the_one_in_one_breath() -> None:
    found = readings.lexicon(["你好", "路灯", "大邑", "A座"], {"大邑": ["dai4", "yi4"]}, general("你好"))
    assert found == {
        "你好": [("n", "i3", "h", "ao3"), ("n", "i2", "h", "ao3")],
        "路灯": [("l", "u4", "d", "eng1")],
        "大邑": [("d", "ai4", "i4")],
    }


def test_a_word_is_read_as_the_words_within_it_are() -> None:
    known = {"朝阳": ["chao2", "yang2"], "朝": ["zhao1"], "阳湖": ["yang2", "hu4"]}
    assert readings.reading("朝阳湖镇", known) == ["chao2", "yang2", "hu2", "zhen4"]
    assert readings.reading("新朝阳", known) == ["xin1", "chao2", "yang2"]
    assert readings.reading("龨", known) == []
    assert readings.lexicon(["朝阳湖"], known, general())["朝阳湖"][0] == ("ch", "ao2", "iang2", "h", "u2")
    assert known["朝阳"] == ["chao2", "yang2"]


def test_of_a_character_the_readings_stay_that_are_heard_in_words() -> None:
    often = general("银行", "行人", "行为")
    rarely = Mandarin({"银行": -12.0, "行人": -8.0, "行为": -8.0}, {})
    one, other = ("x", "ing2"), ("h", "ang2")
    assert {one, other} <= set(readings.lexicon(["行"], {}, often)["行"])
    assert other not in readings.lexicon(["行"], {}, rarely)["行"]
    assert readings.lexicon(["行"], {"行": ["hang2"]}, rarely) == {"行": [other]}


def test_a_sentence_is_spoken_with_its_own_readings_and_a_pause_at_each_stop() -> None:
    known = {"大邑": ["dai4", "yi4"]}
    said = {tuple(script.spoken("大邑，你好。", known, Random(seed))) for seed in range(20)}
    assert said == {("dai4", "yi4", PAUSE, "ni3", "hao3"), ("dai4", "yi4", PAUSE, "ni2", "hao3")}
    assert script.spoken("", known, Random(1)) == []
    assert script.spoken("龨", known, Random(1)) == []


def test_every_word_whose_reading_is_given_is_spoken_so() -> None:
    known = text.words()
    for word, reading in known.items():
        said = {tuple(script.spoken(word, known, Random(seed))) for seed in range(4)}
        assert said <= {tuple(reading), tuple(phones.sandhi(word, reading))}, word
    assert script.spoken("郫都", known, Random(1)) == ["pi2", "du1"]


def test_what_speakers_are_given_is_pinyin_all_kinds_of_it_and_the_same_for_the_same_seed() -> None:
    mandarin = toy()
    orders = list(islice(script.orders(mandarin, Random(3)), 300))
    assert orders == list(islice(script.orders(mandarin, Random(3)), 300))
    for order in orders:
        assert order.voice in VOICES
        assert len(order.said) == len(order.meant)
        for said, meant in zip(order.said, order.meant, strict=True):
            assert (said == PAUSE) == (meant == PAUSE)
            assert said == PAUSE or (phones.phones(said) and phones.phones(meant))
    kinds = [order.text.isascii() for order in orders]  # syllables in no order are written as pinyin
    assert 5 < sum(kinds) < 50
    accented = [order for order in orders if order.said != order.meant]
    assert 5 < len(accented) < 60


# -- which word follows which --------------------------------------------------------------------------------


def cut(*sentences: str) -> list[list[list[str]]]:
    """Each as a shape that was said twenty times."""
    return [[sentence.split()] * 20 for sentence in sentences]


def test_the_chances_of_all_words_make_one_whatever_the_hotline_and_mandarin_say() -> None:
    grams = language.ngrams(cut("路灯 坏 了", "燃气 泄漏 了", "路灯 不 亮"), toy(), language.Size(), ["井盖"])
    words = [*grams.words(), END]
    assert {"路灯", "坏", "了", "燃气", "泄漏", "不", "亮", "井盖"} == set(grams.words())
    histories = {gram[:-1] for gram in grams.logs} | {(START, word) for word in grams.words()} | {("亮", "亮")}
    assert any(len(before) == 2 for before in histories)
    for before in histories:
        assert sum(math.exp(grams.log((*before, word))) for word in words) == pytest.approx(1.0, abs=1e-6)


def test_what_the_hotline_says_counts_more_than_mandarin_and_what_is_often_said_more_still() -> None:
    likely = {word: -math.log(4) for word in ("", "路灯", "坏", "亮")}
    everyday = Mandarin(likely, {"路灯": {"坏": math.log(0.3), "亮": math.log(0.3)}})
    unseen = language.ngrams(cut("燃气 泄漏"), everyday, language.Size())
    seen = language.ngrams(cut("路灯 坏", "燃气 泄漏"), everyday, language.Size())
    often = language.ngrams(cut(*["路灯 坏"] * 40, "燃气 泄漏"), everyday, language.Size())

    def more(grams: object) -> float:
        return grams.log(("路灯", "坏")) - grams.log(("路灯", "亮"))  # type: ignore[attr-defined]

    assert more(unseen) == pytest.approx(0.0)
    assert 0 < more(seen) < more(often)
    assert seen.log(("坏",)) > seen.log(("亮",))


def test_no_more_n_grams_are_kept_than_fit_and_the_strongest_stay() -> None:
    said = cut(*["路灯 坏 了"] * 9, "燃气 泄漏 了", "井盖 松 了")
    small = language.ngrams(said, toy(), language.Size(pairs=3, triples=1))
    assert Counter(map(len, small.logs)) == {1: 9, 2: 3, 3: 1}
    assert ("路灯", "坏") in small.logs


def test_sentences_are_cut_at_the_names_of_the_city() -> None:
    names = ["抚琴街道", "金牛区", "成都市第三人民医院"]
    cutter = language.Cutter(general("路灯", "坏", "了", "街道", "抚", "琴"), names)
    assert cutter.words("抚琴街道路灯坏了") == ["抚琴街道", "路灯", "坏", "了"]
    assert cutter.words("抚琴路灯坏了") == ["抚琴", "路灯", "坏", "了"]
    assert language.cores("金牛区") == ["金牛区", "金牛"]
    assert language.cores("成都市第三人民医院") == []


def test_a_name_needs_the_words_that_say_it_with_and_without_its_kind_and_they_are_always_known() -> None:
    names = ["抚琴街道", "成都市金牛区医院"]
    cutter = language.Cutter(general("成都市", "医院", "路灯", "坏"), [*names, "金牛区"])
    needed = {"抚琴街道", "抚琴", "成都市", "金牛区", "医院"}
    assert language.named(cutter, names) == needed
    known = language.ngrams(cut("路灯 坏"), toy(), language.Size(words=0), needed)
    assert needed <= set(known.words())
    assert known.log(("抚琴",)) > math.log(1e-3)


def test_every_shape_is_said_whole_and_clause_by_clause(shapes: text.Shapes) -> None:
    cutter = language.Cutter(general("路灯", "坏", "了", "快", "来"), [])
    two = text.Shapes(["路灯坏了，快来", "快来"], {})
    first, second = language.sentences(cutter, two, 20, Random(1))
    whole, parts = ["路灯", "坏", "了", "快", "来"], (["路灯", "坏", "了"], ["快", "来"])
    assert first.count(whole) + first.count(parts[0]) == 20
    assert first.count(parts[0]) == first.count(parts[1]) > 0
    assert whole in first
    assert second == [["快", "来"]] * 20
