"""The draft says what the caller said, flags what is urgent, and invents nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.drafts.draft import Draft, Field, Spoken, SpokenWord, draft
from hotline.drafts.heard import spoken_text

FIELDS = (
    "title",
    "content",
    "category",
    "district",
    "street",
    "address",
    "phone",
    "urgent",
    "urgent_class",
    "reason",
)


def caller(*texts: str) -> list[Spoken]:
    return [Spoken("caller", 10.0 * n, 10.0 * n + 8, text) for n, text in enumerate(texts)]


def values(*texts: str) -> dict[str, object]:
    made = draft(caller(*texts))
    return {name: field.value for name in FIELDS if isinstance(field := getattr(made, name), Field)}


def test_a_gas_leak_in_jinniu_becomes_an_urgent_request_for_help():
    found = values("金牛区抚琴街道燃气泄漏，味道很大")
    assert found["title"] == "金牛区抚琴街道燃气泄漏"
    assert found["content"] == "金牛区抚琴街道燃气泄漏，味道很大"
    assert found["category"] == "求助"
    assert found["district"] == "金牛区"
    assert found["street"] == "抚琴街道"
    assert found["urgent"] is True
    assert found["urgent_class"] == "燃气泄漏"


def test_nothing_said_leaves_everything_missing():
    for silence in ([], caller("", " "), [Spoken("agent", 0, 2, "您好金牛区燃气泄漏")], caller("[unk]")):
        assert draft(silence) == Draft()
        assert draft(silence).missing == FIELDS


def test_only_the_callers_words_count():
    made = draft([Spoken("agent", 0, 3, "是金牛区吗"), Spoken("caller", 4, 6, "是成华区的路灯坏了")])
    assert made.district is not None
    assert (made.district.value, made.district.span.utterance) == ("成华区", 1)


@pytest.mark.parametrize(
    ("said", "urgency"),
    [
        ("井盖不见了", "井盖缺失"),
        ("没有人受伤但是广告牌快要掉下来了就挂在一根铁丝上", "建筑设施危险"),
        ("路面塌陷还没修好", "道路塌陷"),
        ("燃气泄漏了什么时候能修好", "燃气泄漏"),
        ("燃气泄漏请尽快处理好", "燃气泄漏"),
        ("井盖又不见了上次修好了没多久又丢了", "井盖缺失"),
        ("燃气泄漏已经修好了但是井盖不见了", "井盖缺失"),
        ("有人着火了", "火情"),
    ],
)
def test_a_present_hazard_is_urgent(said, urgency):
    found = values(said)
    assert (found["urgent"], found["urgent_class"]) == (True, urgency)
    assert found["reason"]


@pytest.mark.parametrize(
    "said",
    [
        ("上次反映的燃气泄漏已经修好了谢谢",),
        ("燃气泄漏", "已经修好了谢谢"),
        ("燃气泄漏，味道很大，现在已经修好了",),
        ("不是燃气泄漏是隔壁炒菜",),
        ("如果燃气泄漏应该打什么电话",),
        ("没有人受伤",),
        ("请问公积金怎么办理",),
    ],
)
def test_what_is_mended_denied_or_supposed_is_not_urgent(said):
    found = values(*said)
    assert found["urgent"] is False
    assert "urgent_class" not in found


@pytest.mark.parametrize(
    "said", ["井盖丢了燃气倒是修好了", "怕房子倒了", "是不是燃气泄漏了", "燃气泄漏有人说修好了我不知道"]
)
def test_in_doubt_the_agent_is_asked_and_the_hazard_is_shown(said):
    made = draft(caller(said))
    assert made.urgent is None
    assert "urgent" in made.missing
    assert made.urgent_class is not None
    assert made.reason is not None


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("我要投诉楼下烧烤店", "投诉"),
        ("我不是投诉就是咨询一下", "咨询"),
        ("举报有人偷排污水", "举报"),
        ("燃气泄漏物业没人管", "投诉"),
        ("建议多栽点树", "建议"),
        ("特别感谢你们", "表扬"),
        ("不好意思打错了", "无效"),
        ("门口路灯坏了", "求助"),
        ("今天天气不错", None),
    ],
)
def test_the_category_is_the_callers_own_word_or_its_signs(said, category):
    assert values(said).get("category") == category


@pytest.mark.parametrize(
    ("said", "phone"),
    [
        (("我电话幺三八零零零零幺二三四",), "13800001234"),
        (("我的号码是 13800001234",), "13800001234"),
        (("一三八", "零零零零", "一二三四"), "13800001234"),
        (("幺三八两两零零一二三四",), "13822001234"),
        (("一三八零零零零一二三四一三八零零零零一二三四",), "13800001234"),
        (("13800001234不对是13900001234",), "13900001234"),
        (("电话零二八八六六六二三四五",), "02886662345"),
        (("座机八六六六二三四五",), "86662345"),
        (("510107199001011234",), None),
        (("一百二十三号三楼",), None),
        (("12345",), None),
    ],
)
def test_a_number_is_heard_in_digits_or_one_by_one(said, phone):
    assert values(*said).get("phone") == phone


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("抚琴街道路灯坏了", {"district": "金牛区", "street": "抚琴街道"}),
        ("石羊街道那边", {"district": "高新区", "street": "石羊街道"}),
        ("春熙路有人摆摊", {"district": "锦江区", "address": "春熙路"}),
        ("不是金牛区是成华区", {"district": "成华区"}),
        ("金牛区说错了应该是武侯区", {"district": "武侯区"}),
        (
            "我家住在抚琴西路一百二十号三栋二单元停电了",
            {"district": "金牛区", "address": "抚琴西路一百二十号三栋二单元"},
        ),
        ("一环路上塞车", {"address": "一环路"}),
        ("二环路东一段塌了", {"district": "成华区", "address": "二环路东一段"}),
        ("牛王庙地铁口有人发传单", {"district": "锦江区", "address": "牛王庙站"}),
        ("九眼桥那边吵得很", {"address": "九眼桥"}),
        ("马路上有个坑", {}),
        ("武侯区玉林南路23号楼下油烟", {"district": "武侯区", "address": "玉林南路23号楼下"}),
    ],
)
def test_the_place_is_what_was_said_or_follows_from_it(said, place):
    found = values(said)
    assert {k: v for k, v in found.items() if k in ("district", "street", "address")} == place


def test_a_span_carries_the_times_of_its_words():
    words = [
        SpokenWord("金牛区", 1.0, 1.6, 0.9),
        SpokenWord("路灯", 1.7, 2.1, 0.5),
        SpokenWord("坏", 2.1, 2.3),
        SpokenWord("了", 2.3, 2.4),
    ]
    made = draft([Spoken("caller", 0.5, 3.0, "金牛区 路灯 坏 了", words)])
    assert made.district is not None
    span = made.district.span
    assert (span.utterance, span.start, span.end, span.text) == (0, 1.0, 1.6, "金牛区")
    assert made.district.confidence == pytest.approx(0.95 * 0.9)
    assert made.category is not None
    assert made.category.span.text == "坏了"
    assert (made.category.span.start, made.category.span.end) == (2.1, 2.4)


def test_a_title_has_at_most_thirty_characters_and_holds_the_matter():
    made = values(
        "你好我想反映一下"
        + "我们这里好多年了一直都是这样子反正就是很不方便"
        + "金牛区抚琴街道井盖不见了"
        + "很危险" * 9
    )
    assert isinstance(made["title"], str)
    assert len(made["title"]) <= 30
    assert "金牛区抚琴街道井盖不见了" in made["title"]


def test_a_draft_becomes_plain_json():
    made = draft(caller("金牛区井盖不见了"))
    plain = json.loads(json.dumps(made.as_dict(), ensure_ascii=False))
    assert plain["district"]["value"] == "金牛区"
    assert plain["district"]["span"] == {"utterance": 0, "start": 0.0, "end": 3.0, "text": "金牛区"}
    assert plain["phone"] is None
    assert plain["missing"] == ["street", "address", "phone"]


PIECES = st.sampled_from(
    [
        "金牛区",
        "成华区",
        "抚琴街道",
        "双水碾",
        "春熙路",
        "不是",
        "燃气泄漏",
        "井盖不见了",
        "已经修好了",
        "还没修好",
        "谢谢",
        "投诉",
        "咨询",
        "我的电话是",
        "幺三八",
        "零零零零",
        "一二三四",
        "138",
        "玉林南路",
        "二十三号",
        "小区",
        "门口",
        "[unk]",
        "喂",
        "你好",
        "，",
        "。",
        "没有",
        "如果",
        "又",
        "路灯坏了",
        "a",
        "👍",
        "\udc80",
    ]
)
UTTERANCES = st.lists(
    st.tuples(
        st.sampled_from(["caller", "caller", "agent"]),
        st.one_of(st.lists(PIECES, max_size=8), st.lists(st.text(max_size=6), max_size=4)),
        st.booleans(),
    ),
    max_size=6,
)


@given(UTTERANCES)
def test_every_value_comes_from_something_the_caller_said(utterances):
    spoken = []
    for n, (speaker, pieces, timed) in enumerate(utterances):
        words = (
            [SpokenWord(p, 10 * n + i / 2, 10 * n + i / 2 + 0.5, 0.8) for i, p in enumerate(pieces)] if timed else []
        )
        spoken.append(Spoken(speaker, 10 * n, 10 * n + 5, " ".join(pieces), words))
    said = "".join(spoken_text(one.text) for one in spoken if one.speaker == "caller")
    made = draft(spoken)
    for name in FIELDS:
        field = getattr(made, name)
        if field is None:
            continue
        assert field.span.text
        assert field.span.text in said
        assert 0 <= field.confidence <= 1
        assert field.span.start <= field.span.end
        assert spoken[field.span.utterance].speaker == "caller"
    if made.title is not None:
        assert isinstance(made.title.value, str)
        assert len(made.title.value) <= 30
        assert made.title.value == made.title.span.text
    assert draft(spoken) == made


def test_a_street_that_does_not_lie_in_the_district_that_was_said_is_asked_for() -> None:
    one = draft([Spoken("caller", 0.0, 3.0, "武侯区驷马桥街道下水道堵了")])
    assert one.district is not None
    assert one.district.value == "武侯区"
    assert one.street is None
    assert "street" in one.missing
