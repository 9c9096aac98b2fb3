"""The city's places are found by their names and by what people call them."""

import pytest

from hotline.units.gazetteer import Kind, build, find_places, load

DISTRICTS = [
    "锦江区",
    "青羊区",
    "金牛区",
    "武侯区",
    "成华区",
    "龙泉驿区",
    "青白江区",
    "新都区",
    "温江区",
    "双流区",
    "郫都区",
    "新津区",
    "简阳市",
    "都江堰市",
    "彭州市",
    "邛崃市",
    "崇州市",
    "金堂县",
    "大邑县",
    "蒲江县",
    "高新区",
    "天府新区",
    "东部新区",
]


def named(text: str) -> list[tuple[Kind, str]]:
    return [(place.kind, place.name) for place in find_places(text)]


def test_the_city_has_its_23_districts():
    assert list(load().districts) == DISTRICTS


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("金牛区抚琴街道", [(Kind.DISTRICT, "金牛区"), (Kind.STREET, "抚琴街道")]),
        ("我在郫县犀浦", [(Kind.DISTRICT, "郫都区"), (Kind.STREET, "犀浦街道")]),
        ("武侯大道双楠段", []),
        ("抚琴西路", []),
        ("抚琴街道办的人", [(Kind.STREET, "抚琴街道")]),
        ("双流机场", [(Kind.LANDMARK, "双流机场")]),
        ("双流那边", [(Kind.DISTRICT, "双流区")]),
        ("高新技术企业", []),
        ("春熙路", [(Kind.LANDMARK, "春熙路")]),
        ("春熙路街道", [(Kind.STREET, "春熙路街道")]),
        ("天府新区华阳街道", [(Kind.DISTRICT, "天府新区"), (Kind.STREET, "华阳街道")]),
        ("公平合作幸福团结", []),
        ("", []),
    ],
)
def test_a_place_is_found_by_name_or_alias_and_a_road_is_not_a_district(text, places):
    assert named(text) == places


def test_a_mention_says_where_it_stands_and_whether_it_was_said_in_full():
    (place,) = find_places("就在金牛这边")
    assert (place.start, place.end, place.exact, place.districts) == (2, 4, False, ("金牛区",))


def test_a_street_in_an_unknown_district_is_a_fault_of_the_data():
    with pytest.raises(ValueError, match="no district"):
        build(
            {"districts": {}, "streets": {"某区": ["某街道"]}, "street_aliases": {}, "landmarks": {}, "not_before": []}
        )
