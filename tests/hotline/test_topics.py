"""What citizens call about, and who leads."""

import pytest

from hotline.units import topics


def test_a_topic_names_its_units() -> None:
    topic = topics.load()["供气/燃气/泄漏"]
    assert (topic.lead, topic.assist, topic.direct) == ("成都燃气集团", ("市消防救援支队",), False)
    assert topics.load()["市场监管/食品/食品安全"].direct  # DOMAIN P5


def test_every_unit_of_the_list_leads_something() -> None:
    assert len({topic.lead for topic in topics.load().values()}) == 28


@pytest.mark.parametrize(
    ("name", "lead", "says"),
    [("供气/泄漏", "成都燃气集团", "three levels"), ("供气/燃气/泄漏", "燃气局", "燃气局")],
)
def test_a_table_that_is_wrong_is_refused_by_name(name: str, lead: str, says: str) -> None:
    data = {"units": {"all": ["成都燃气集团"]}, "topics": {name: {"lead": lead}}}
    with pytest.raises(ValueError, match=says):
        topics.build(data)


def test_the_street_office_goes_by_the_name_of_the_street() -> None:
    assert topics.unit("街道办", "石羊街道") == "石羊街道办"
    assert topics.unit("街道办", None) == "街道办"
    assert topics.unit("市城管委", "石羊街道") == "市城管委"
