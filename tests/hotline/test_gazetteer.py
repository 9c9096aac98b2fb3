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
        ("武侯大道", [(Kind.ROAD, "武侯大道")]),
        ("抚琴西路", [(Kind.ROAD, "抚琴西路")]),
        ("抚琴新街", []),
        ("金牛大桥", []),
        ("驷马桥桥下", [(Kind.STREET, "驷马桥街道")]),
        ("一环路北一段", [(Kind.ROAD, "一环路北一段")]),
        ("抚琴街道办的人", [(Kind.STREET, "抚琴街道")]),
        ("双流机场", [(Kind.LANDMARK, "双流机场")]),
        ("双流那边", [(Kind.DISTRICT, "双流区")]),
        ("高新技术企业", []),
        ("春熙路", [(Kind.LANDMARK, "春熙路")]),
        ("春熙路街道", [(Kind.STREET, "春熙路街道")]),
        ("天府新区华阳街道", [(Kind.DISTRICT, "天府新区"), (Kind.STREET, "华阳街道")]),
        ("石羊那边", [(Kind.STREET, "石羊街道")]),
        ("石羊镇", [(Kind.STREET, "石羊镇")]),
        ("火车东站", [(Kind.LANDMARK, "成都东站")]),
        ("东客站", [(Kind.LANDMARK, "成都东站")]),
        ("在华西看病", [(Kind.LANDMARK, "华西医院")]),
        ("锦里西路", [(Kind.ROAD, "锦里西路")]),
        ("九眼桥路口", [(Kind.LANDMARK, "九眼桥")]),
        ("骡马市站", [(Kind.METRO, "骡马市站")]),
        ("骡马市地铁口", [(Kind.METRO, "骡马市站")]),
        ("骡马市", [(Kind.LANDMARK, "骡马市")]),
        ("春熙路站着很多人", [(Kind.LANDMARK, "春熙路")]),
        ("犀浦站", [(Kind.LANDMARK, "犀浦站")]),
        ("", []),
    ],
)
def test_a_place_is_found_by_name_or_alias_and_a_road_is_not_a_district(text, places):
    assert named(text) == places


@pytest.mark.parametrize(
    "text",
    [
        "公平合作幸福团结",
        "青龙太平永兴新兴正兴兴隆",
        "千万安全大面积停电",
        "在书房的界牌上",
        "墙重新都刷了",
        "四川大熊猫",
        "四川师傅",
        "难道明天才来",
        "至少城管来过",
        "全省医院",
        "高新技术",
        "小区荷花池里",
        "彭镇长",
        "流黄水",
    ],
)
def test_an_everyday_word_is_no_place(text):
    assert named(text) == []


@pytest.mark.parametrize(
    ("text", "districts"),
    [
        ("成龙大道一段", ("锦江区",)),
        ("成龙大道", ("锦江区", "龙泉驿区")),
        ("一环路", ("锦江区", "青羊区", "金牛区", "武侯区", "成华区")),
        ("三岔街道", ("东部新区",)),
        ("华阳街道", ("天府新区",)),
        ("桂溪街道", ("高新区",)),
        ("涌泉街道", ("温江区",)),
        ("涌泉镇", ("简阳市",)),
        ("大同街道", ("青白江区",)),
        ("大同镇", ("邛崃市",)),
        ("中医大省医院站", ("青羊区", "金牛区")),
    ],
)
def test_a_place_may_lie_in_one_district_or_in_several(text, districts):
    (place,) = find_places(text)
    assert place.districts == districts


def test_the_city_has_its_261_streets_and_towns_each_in_one_district():
    streets = [entry for entry in load().entries.values() if entry and entry.kind is Kind.STREET and entry.exact]
    assert len(streets) == 261
    assert [entry.name for entry in streets if len(entry.districts) != 1] == []
    assert {district for entry in streets for district in entry.districts} == set(DISTRICTS)


def test_every_name_is_found_as_itself():
    entries = {form: entry for form, entry in load().entries.items() if entry}
    found = {form: named(f"{form}这边" if form in load().ordinary else form) for form in entries}
    assert {form: entry.name for form, entry in entries.items() if found[form] != [(entry.kind, entry.name)]} == {}


def test_a_mention_says_where_it_stands_and_whether_it_was_said_in_full():
    (place,) = find_places("就在金牛这边")
    assert (place.start, place.end, place.exact, place.districts) == (2, 4, False, ("金牛区",))


def data(**tables: object) -> dict[str, object]:
    empty: dict[str, object] = {key: {} for key in ("districts", "streets", "landmarks", "roads", "metro")}
    return {**empty, "not_before": [], "other_words": [], **tables}


def test_a_street_in_an_unknown_district_is_a_fault_of_the_data():
    with pytest.raises(ValueError, match="no district"):
        build(data(streets={"某区": ["某街道"]}))


def test_an_alias_of_an_unknown_landmark_is_a_fault_of_the_data():
    with pytest.raises(ValueError, match="aliases"):
        build(data(landmark_aliases={"某院": ["某某"]}))
