"""Words of the same sound are taken for what was probably said; nothing else is touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.drafts.mishearing import Mender, sounds, syllables

WORDS = (
    "金牛区",
    "武侯区",
    "郫都区",
    "抚琴街道",
    "石羊街道",
    "抚琴",
    "路灯",
    "电线杆",
    "井盖",
    "水管",
    "漏气",
    "电梯",
    "馊了",
    "赌债",
)


@pytest.fixture(scope="module")
def mender() -> Mender:
    return Mender(sounds(WORDS))


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        ("金流区路等坏了", "金牛区路灯坏了"),
        ("武后区石阳街道电线干倒了", "武侯区石羊街道电线杆倒了"),
        ("皮都区楼气", "郫都区漏气"),
        ("父亲街道井改不见了", "抚琴街道井盖不见了"),
        ("小区电体困人\n井改翻了", "小区电梯困人\n井盖翻了"),
    ],
)
def test_names_and_things_are_found_by_their_sound(mender: Mender, heard: str, said: str) -> None:
    assert mender.mend(heard) == said


@pytest.mark.parametrize(
    "text", ["我父亲病了", "一路等待", "钱收了人堵在路上", "武侯区的路灯坏了", "", "路", "OK，138路！😀"]
)
def test_everyday_words_and_what_is_right_stay(mender: Mender, text: str) -> None:
    assert mender.mend(text) == text


@given(st.text(max_size=60))
def test_a_mended_text_sounds_the_same_and_is_as_long(text: str) -> None:
    mended = Mender(sounds(WORDS)).mend(text)
    assert len(mended) == len(text)
    assert len(syllables(text)) == len(text)
