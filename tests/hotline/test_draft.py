"""The draft says what the caller said, flags what is urgent, and invents nothing."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr_models.numerals import DIGITS
from hotline.clock import SHANGHAI
from hotline.drafts.draft import FIELDS, Draft, Field, Spoken, SpokenWord, draft
from hotline.drafts.heard import spoken_text
from hotline.drafts.mishearing import mend
from hotline.drafts.rules import load


def caller(*texts: str) -> list[Spoken]:
    return [Spoken("caller", 10.0 * n, 10.0 * n + 8, text) for n, text in enumerate(texts)]


def values(*texts: str) -> dict[str, object]:
    made = draft(caller(*texts))
    return {name: field.value for name in FIELDS if isinstance(field := getattr(made, name), Field)}


CALLED_AT = datetime(2026, 11, 25, 21, 36, tzinfo=SHANGHAI)


def test_a_gas_leak_in_jinniu_becomes_an_urgent_request_for_help():
    found = values("金牛区抚琴街道燃气泄漏，味道很大")
    assert found["title"] == "金牛区抚琴街道燃气泄漏"
    assert found["content"] == "来电人求助：金牛区抚琴街道燃气泄漏，味道很大。"
    assert found["category"] == "求助"
    assert (found["topic"], found["department"]) == ("供气/燃气/泄漏", "成都燃气集团")
    assert found["district"] == "金牛区"
    assert found["street"] == "抚琴街道"
    assert found["urgent"] is True
    assert found["urgent_class"] == "燃气泄漏"


def test_nothing_said_leaves_everything_unknown_and_asks_for_it():
    for silence in (
        [],
        caller("", " "),
        [Spoken("agent", 0, 2, "您好金牛区燃气泄漏")],
        caller("[unk]"),
        caller("，。"),
    ):
        made = draft(silence)
        assert made.named() == Draft().named()
        assert made.missing == ("address", "district", "street", "phone")


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
    assert values(*said)["urgent"] is False


@pytest.mark.parametrize(
    "said", ["怕房子倒了", "是不是漏气了我也不确定", "好像有点煤气味，又好像没得，鼻子不灵，你们说要不要紧"]
)
def test_in_doubt_the_agent_is_asked_and_the_hazard_is_shown(said):
    made = draft(caller(said))
    assert made.doubt is not None
    assert made.urgent_class is not None
    assert made.reason is not None


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("三楼着火了快来人", "119"),
        ("有人拿刀在砍人", "110"),
        ("我爸爸昏倒了叫不醒", "120"),
        ("两辆车撞了堵在路中间", "122"),
        ("他站在楼顶要跳楼", "110"),
    ],
)
def test_fire_crime_injury_and_crash_are_handed_over(said, number):
    found = values(said)
    assert (found["urgent"], found["handover"]) == (True, number)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("外墙的玻璃掉下来把人脑壳砸开了，血止不住", "120"),
        ("外墙的玻璃掉下来了，没有人流血，但是还在往下掉", None),
        ("娃儿的脑壳卡在栏杆里头取不出来", "119"),
        ("大树倒下来把司机压在车里头出不来", "119"),
        ("隧道淹水了有车困在里头", "119"),
        ("隧道淹水了没有人困在里头", None),
        ("电梯停在八楼有人困在里头出不来", None),
    ],
)
def test_people_in_distress_are_handed_over_whatever_the_hazard(said, number):
    found = values(said)
    assert found["urgent"] is True
    assert found.get("handover") == number


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
    ],
)
def test_the_category_is_what_the_caller_wants(said, category):
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
        (("幺三六零八零后头是九四三二幺",), "13608094321"),
        (("幺三六六零八幺二二九错了是二二零九",), "13660812209"),
        (("一三八零零零零一二三四不对尾号是五六",), "13800001256"),
        (("电话是他一三七零八零二四幺五五我的是一三八八幺幺零六六二三",), "13881106623"),
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


def test_a_title_has_at_most_thirty_characters_and_holds_the_matter():
    made = values(
        "你好我想反映一下"
        + "我们这里好多年了一直都是这样子反正就是很不方便"
        + "金牛区抚琴街道井盖不见了"
        + "很危险" * 9
    )
    assert isinstance(made["title"], str)
    assert len(made["title"]) <= 30
    assert "井盖不见了" in made["title"]
    assert made["title"].startswith("金牛区抚琴街道")


def test_the_number_to_call_back_and_the_greeting_are_neither_title_nor_content():
    made = values("喂你好金牛区抚琴西路这边井盖不见了下面很深我电话是幺三八零零零零一二三四")
    assert made["phone"] == "13800001234"
    assert made["title"] == "金牛区抚琴西路井盖不见了下面很深"
    assert made["content"] == "来电人求助：金牛区抚琴西路这边井盖不见了下面很深。"


def test_a_name_that_sounds_like_another_word_stays():
    assert "采石厂" in str(values("那个采石厂天天放炮，没看到有许可证")["content"])
    assert "行驶证" in str(values("交警队扣的行驶证去哪儿取")["content"])


def test_a_draft_becomes_plain_json():
    made = draft(caller("金牛区井盖不见了"))
    plain = json.loads(json.dumps(made.as_dict(), ensure_ascii=False))
    assert plain["district"]["value"] == "金牛区"
    assert plain["district"]["span"] == {"utterance": 0, "start": 0.0, "end": 3.0, "text": "金牛区"}
    assert plain["phone"] is None
    assert plain["missing"] == ["address", "street", "phone"]
    assert plain["asks"]["phone"].endswith("？")
    assert plain["choices"]["department"][0] == plain["department"]["value"] == "市城管委"


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
    made = draft(spoken, CALLED_AT)
    for name in FIELDS:
        field = getattr(made, name)
        if field is None:
            continue
        assert field.span.text
        assert field.span.text in said
        assert 0 <= field.confidence <= 1
        assert field.span.start <= field.span.end
        assert spoken[field.span.utterance].speaker == "caller"
    # what was heard, what it was probably said for, the names of places, and the few words of our own
    wording = load().content
    ours = set("".join([mend(said), *(words for _, words in wording.instead), *wording.opening.values()]))
    places = {c for name in ("district", "street", "address") if (one := getattr(made, name)) for c in str(one.value)}
    for name in ("title", "content"):
        if field := getattr(made, name):
            assert set(str(field.value)) <= set(said) | ours | places | set("，。")
    for name in ("persons", "enterprise", "repeat"):
        if field := getattr(made, name):
            assert all(one in said for one in str(field.value).split("、"))
    if made.title is not None:
        assert len(str(made.title.value)) <= 30
    for name in ("phone", "earlier_order"):
        if field := getattr(made, name):
            digits = [DIGITS.get(c, c) for c in said]
            assert all(digit in digits for digit in str(field.value))
    assert draft(spoken, CALLED_AT) == made


def test_a_street_that_does_not_lie_in_the_district_that_was_said_is_asked_for() -> None:
    one = draft([Spoken("caller", 0.0, 3.0, "武侯区驷马桥街道下水道堵了")])
    assert one.district is not None
    assert one.district.value == "武侯区"
    assert one.street is None
    assert "street" in one.missing


@pytest.mark.parametrize(
    ("said", "district", "street"),
    [
        ("我住在龙泉驿可是吵我们的是对面成华区龙潭街道的工地", "成华区", "龙潭街道"),
        ("我妈住在彭镇老街广电的盒子坏了我在青羊上班", "双流区", "彭镇"),
        ("双流东升这边路灯不亮", "双流区", "东升街道"),
        ("我在双刘东升一个馆子打工", "双流区", "东升街道"),
        ("希望公平处理，大家要团结", None, None),
        ("新金区五津那边污水冒出来了", "新津区", "五津街道"),
    ],
)
def test_the_matter_is_where_it_happens_and_not_where_the_caller_lives(said, district, street):
    found = values(said)
    assert (found.get("district"), found.get("street")) == (district, street)


def test_a_second_matter_is_named_beside_the_main_one():
    made = draft(caller("我们小区门口的垃圾桶满了四天没人收，臭得很，另外这条街的路灯也不亮"))
    assert made.topic is not None
    assert made.topic.value == "城市管理/环境卫生/垃圾清运"
    assert made.also is not None
    assert made.also.value == "城市管理/市政设施/路灯照明"
    assert made.also.span.text == "这条街的路灯也不亮"


def test_another_city_is_out_of_scope_and_a_wrong_number_is_invalid():
    assert values("我在重庆渝北区，小区停水了，你们管不管")["department"] == "不属受理范围"
    assert values("不好意思打错了")["category"] == "无效"
    assert draft(caller("不好意思打错了")).missing == ()


@pytest.mark.parametrize(
    "said",
    [
        "9" * 10_000,
        "幺" * 10_000,
        "😀😀😀",
        "hello I lost my passport 在 春熙路",
        "!!!???",
        "\u202e\u0000\udc80",
        "路灯坏了" * 5_000,
    ],
    ids=["digits", "spoken digits", "emoji", "mixed", "marks", "odd characters", "long"],
)
def test_odd_words_make_no_nonsense(said):
    made = draft(caller(said), CALLED_AT)
    assert made.phone is None
    assert made.amount is None
    assert made.urgent is None or made.urgent.value is False
    assert made.title is None or len(str(made.title.value)) <= 30
    json.dumps(made.as_dict(), ensure_ascii=False).encode("utf-8", "replace")


def test_a_call_of_two_hours_is_drafted_like_a_short_one():
    story = ["然后他就说等一下", "我也不晓得怎么说", "反正就是这样子的", "你听我说嘛", "昨天他又来了一趟"] * 400
    made = draft(caller("金牛区抚琴街道路灯坏了好多天", *story, "我电话13800001234"), CALLED_AT)
    assert made.district is not None
    assert made.district.value == "金牛区"
    assert made.phone is not None
    assert made.phone.value == "13800001234"
    assert made.phone.span.utterance == 2001


def test_the_content_is_told_of_the_caller_without_fillers_and_repetition():
    found = values("喂，你好，嗯，我们家楼下那个路灯坏了坏了好几天，我摔了一跤，谢谢你们")
    assert found["content"] == "来电人求助：来电人家楼下那个路灯坏了好几天，来电人摔了一跤。"
