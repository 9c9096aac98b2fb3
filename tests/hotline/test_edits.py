"""The agent's edits lie over the draft: never overwritten, each in the ledger, the draft's own values beside them."""

import json
from datetime import timedelta

import pytest
from drafted import ANSWERED, add_agents, add_call, draft_of
from hypothesis import given
from hypothesis import strategies as st

from hotline.drafts import allowed, service
from hotline.drafts.allowed import EDITABLE, UnknownField, ValueNotAllowed
from hotline.drafts.draft import FIELDS, Spoken
from hotline.drafts.edits import Accepted, NoSuchCall, edit, edits_of, undo
from hotline.drafts.models import DraftRow
from hotline.drafts.overlay import overlay, value_of
from hotline.drafts.packing import NotTrained
from hotline.orders.service import accept
from hotline.records import ledger
from hotline.units import topics

AT = ANSWERED + timedelta(seconds=90)
COVER, LAMP, GAS = "城市管理/市政设施/井盖", "城市管理/市政设施/路灯照明", "供气/燃气/泄漏"


@pytest.fixture
def agents(db):
    add_agents(db, "li", "wang")
    return db


def put(db, field, value, call_id="c1", account="li"):
    with db.write() as session:
        edit(session, call_id, field, value, account, AT)


def shown(db, call_id="c1"):
    with db.read() as session:
        row = session.get_one(DraftRow, call_id)
        return overlay(row.fields, edits_of(session, [call_id])[call_id])


def told(db, call_id="c1"):
    with db.read() as session:
        return [json.loads(row.payload) for row in ledger.history(session, call_id) if row.kind == "draft_edited"]


# -- kept, told, taken back ----------------------------------------------------------------------------------


def test_an_edit_stays_however_often_the_draft_is_drawn_up_anew(agents):
    add_call(agents)
    put(agents, "address", "一环路北一段 12 号")
    put(agents, "street", None)
    for said in ("我家门口路灯坏了", "金牛区抚琴街道的路灯坏了，地址是九里堤路三号"):
        with agents.write() as session:
            service.redraft(session, "c1", [Spoken("caller", 0.0, 2.0, said)], AT, ANSWERED)
        after = shown(agents)
        assert value_of(after, "address") == "一环路北一段 12 号"
        assert value_of(after, "street") is None


def test_an_edited_field_keeps_what_was_heard_beside_it(agents):
    add_call(agents)
    put(agents, "category", "投诉")
    field = shown(agents)["category"]
    assert (field["value"], field["suggested"], field["edited"]) == ("投诉", "求助", True)
    assert field["span"]["text"] == "路灯坏了"
    assert "edited" not in shown(agents)["title"]


def test_what_the_agent_has_answered_or_found_unknown_is_asked_for_no_more(agents):
    add_call(agents)
    assert shown(agents)["missing"] == ["address", "phone"]
    put(agents, "address", "一环路北一段 12 号")
    assert shown(agents)["missing"] == ["phone"]
    assert list(shown(agents)["asks"]) == ["phone"]
    put(agents, "phone", None)
    assert shown(agents)["missing"] == []


def test_every_edit_and_every_undo_is_a_ledger_row_with_old_and_new(agents):
    add_call(agents)
    put(agents, "category", "投诉")
    put(agents, "category", "投诉")  # the same again is none
    put(agents, "category", "举报", account="wang")
    with agents.write() as session:
        undo(session, "c1", "category", "li", AT)
        undo(session, "c1", "category", "li", AT)
    assert told(agents) == [
        {"field": "category", "old": "求助", "new": "投诉"},
        {"field": "category", "old": "投诉", "new": "举报"},
        {"field": "category", "old": "举报", "new": "求助", "undone": True},
    ]
    assert "edited" not in shown(agents)["category"]
    with agents.read() as session:
        actors = [row.actor for row in ledger.history(session, "c1")]
        assert actors == ["account:li", "account:wang", "account:li"]
        assert ledger.verify(session).whole


def test_a_call_nobody_has_understood_yet_can_be_written_down_by_hand(agents):
    add_call(agents, draft=False, lasted=None)
    put(agents, "title", "听不清，请回拨")
    assert value_of(shown(agents), "title") == "听不清，请回拨"
    assert "address" in shown(agents)["missing"]


def test_after_acceptance_neither_hand_nor_word_changes_the_draft(agents):
    add_call(agents, lasted=None)
    put(agents, "address", "一环路北一段 12 号")
    with agents.write() as session:
        accept(session, "c1", "li", AT)
    before = shown(agents)
    for change in (edit, undo):
        with pytest.raises(Accepted), agents.write() as session:
            change(session, "c1", "title", *(("别的",) if change is edit else ()), "li", AT)
    with agents.write() as session:
        service.complete(session, "c1", [Spoken("caller", 0.0, 2.0, "还有一件事，成华区井盖不见了")], AT, ANSWERED)
    assert shown(agents) == before


def test_a_call_that_does_not_exist_has_no_draft_to_edit(agents):
    for change in (lambda s: edit(s, "none", "title", "x", "li", AT), lambda s: undo(s, "none", "title", "li", AT)):
        with pytest.raises(NoSuchCall), agents.write() as session:
            change(session)


# -- what follows from an edit -------------------------------------------------------------------------------


def followed(edits, **heard):
    return overlay(draft_of(**heard), edits)


def test_the_units_follow_a_topic_the_agent_has_put_right():
    after = followed({"topic": GAS})
    assert value_of(after, "department") == "成都燃气集团"
    assert value_of(after, "assist") == "市消防救援支队"
    assert value_of(after, "direct") is None
    assert (after["department"]["follows"], after["department"]["suggested"]) == ("topic", "市城管委")
    assert "edited" not in after["department"]


def test_a_unit_the_agent_has_chosen_follows_nothing():
    after = followed({"topic": GAS, "department": "市应急局", "assist": None})
    assert value_of(after, "department") == "市应急局"
    assert value_of(after, "assist") is None


def test_the_streets_office_follows_the_street_and_no_other_unit_does():
    heard = {"department": "抚琴街道办", "assist": "市住建局、抚琴街道办"}
    after = followed({"street": "驷马桥街道"}, **heard)
    assert value_of(after, "department") == "驷马桥街道办"
    assert value_of(after, "assist") == "市住建局、驷马桥街道办"
    assert value_of(followed({"street": None}, **heard), "department") == "街道办"
    assert value_of(followed({"street": "驷马桥街道"}), "department") == "市城管委"
    assert "follows" not in followed({"street": "驷马桥街道"})["department"]


def test_without_a_topic_nobody_is_responsible():
    after = followed({"topic": None})
    assert [value_of(after, name) for name in ("department", "assist", "direct")] == [None, None, None]


def test_what_the_agent_says_of_urgency_settles_the_doubt():
    doubtful = {"urgent": False, "urgent_class": "火情", "reason": "来电人说“冒烟”", "doubt": True}
    assert value_of(followed({}, **doubtful), "doubt") is True
    calm = followed({"urgent": False}, **doubtful)
    assert [value_of(calm, name) for name in ("urgent", "urgent_class", "reason", "doubt")] == [False, None, None, None]
    urgent = followed({"urgent": True}, **doubtful)
    assert value_of(urgent, "urgent_class") == "火情"
    assert value_of(urgent, "handover") == "119"
    assert value_of(urgent, "doubt") is None


def test_who_is_stuck_keeps_the_firemen_when_the_agent_confirms():
    stuck = {"urgent": True, "urgent_class": "人员伤病", "handover": "119"}
    assert value_of(followed({"urgent": True}, **stuck), "handover") == "119"
    assert value_of(followed({"urgent_class": "交通事故"}, **stuck), "handover") == "122"


def test_whom_the_caller_said_is_hurt_keeps_the_ambulance():
    hurt = {"urgent": True, "urgent_class": "建筑设施危险", "handover": "120"}
    assert value_of(followed({"urgent": True}, **hurt), "handover") == "120"
    assert value_of(followed({"urgent_class": "道路塌陷"}, **hurt), "handover") == "120"
    assert value_of(followed({"urgent_class": "火情"}, **hurt), "handover") == "119"
    burning = {"urgent": True, "urgent_class": "火情", "handover": "119"}
    assert value_of(followed({"urgent_class": "道路塌陷"}, **burning), "handover") is None


@pytest.mark.parametrize("trouble", [NotTrained("trained.npz: gone"), IndexError("a fault of ours")])
def test_where_drafting_fails_the_draft_stays_as_it_was(db, monkeypatch, trouble):
    def fails(*_: object) -> None:
        raise trouble

    add_call(db)
    add_call(db, "c2", draft=None)
    monkeypatch.setattr(service, "draft", fails)
    with db.write() as session:
        for call_id in ("c1", "c2"):
            service.redraft(session, call_id, [Spoken("caller", 0.0, 2.0, "井盖不见了")], AT, ANSWERED)
    with db.read() as session:
        assert session.get_one(DraftRow, "c1").fields == draft_of()
        assert session.get_one(DraftRow, "c2").fields["missing"] == ["address", "district", "street", "phone"]


def test_who_wishes_to_stay_unknown_is_not_asked_for_a_number():
    assert followed({"wish": "anonymous"})["missing"] == ["address"]
    assert followed({"category": "无效"})["missing"] == []


def test_a_draft_of_an_older_version_can_be_edited_too():
    older = {"title": None, "category": None, "urgent": None, "missing": ["title", "address"]}
    after = overlay(older, {"title": "路灯"})
    assert set(FIELDS) <= set(after)
    assert after["missing"] == ["address"]
    assert (after["choices"], after["asks"]) == ({}, {})


def test_laying_edits_over_a_draft_changes_neither():
    heard, edits = draft_of(), {"topic": COVER, "phone": None}
    before = json.dumps([heard, edits])
    overlay(heard, edits)
    assert json.dumps([heard, edits]) == before


# -- what a field can be -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("title", " 路灯不亮 ", "路灯不亮"),
        ("title", "灯" * 30, "灯" * 30),
        ("title", "  ", None),
        ("content", "第一行\n第二行", "第一行\n第二行"),
        ("category", "举报", "举报"),
        ("topic", LAMP, LAMP),
        ("district", "高新区", "高新区"),
        ("department", "市水务局", "市水务局"),
        ("department", "驷马桥街道办", "驷马桥街道办"),
        ("assist", "市水务局，市公安局", "市水务局、市公安局"),
        ("phone", "028-8663 3452", "02886633452"),
        ("phone", "+8613800138000", "+8613800138000"),
        ("handover", "119", "119"),
        ("handover", None, None),
        ("urgent", False, False),
        ("direct", True, True),
        ("direct", False, None),
        ("amount", "1,200.50 元", "1200.50"),
        ("occurred_at", "2026-11-24 18:00", "2026-11-24 18:00"),
        ("occurred_at", "2026-11", "2026-11"),
        ("wish", "confidential", "confidential"),
        ("plate", "川A12345", "川A12345"),
    ],
)
def test_a_value_is_kept_in_one_form(field, given, kept):
    assert allowed.allowed(field, given) == kept


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("title", "灯" * 31),
        ("title", True),
        ("title", "两\n行"),
        ("content", "字" * 4001),
        ("content", "响铃\x07"),
        ("content", "\ud800"),
        ("category", "吐槽"),
        ("topic", "城市管理/市政设施"),
        ("also", "路灯"),
        ("district", "浦东新区"),
        ("department", "某某局"),
        ("assist", "市水务局、某某局"),
        ("phone", "一三八"),
        ("phone", "13"),
        ("handover", "911"),
        ("urgent", None),
        ("urgent", "是"),
        ("direct", "是"),
        ("amount", "一百"),
        ("occurred_at", "昨天"),
        ("occurred_at", "2026-13-01"),
        ("wish", "不留名"),
        ("plate", "川" * 61),
    ],
)
def test_a_value_that_a_field_cannot_have_is_refused_and_not_repeated(field, given):
    with pytest.raises(ValueNotAllowed) as refused:
        allowed.allowed(field, given)
    assert refused.value.field == field
    if isinstance(given, str) and len(given) > 2:
        assert given not in str(refused.value)


def test_an_unknown_field_is_told_those_that_are_known():
    for name in ("colour", "doubt", "choices", "missing"):
        with pytest.raises(UnknownField) as refused:
            allowed.allowed(name, "x")
        assert all(known in str(refused.value) for known in EDITABLE)


@given(st.sampled_from(EDITABLE), st.one_of(st.none(), st.booleans(), st.text(max_size=80)))
def test_whatever_is_given_is_kept_in_a_form_that_is_kept_again(field, given):
    try:
        kept = allowed.allowed(field, given)
    except ValueNotAllowed:
        return
    assert allowed.allowed(field, kept) == kept


def test_the_catalogues_can_be_chosen_from():
    for name in topics.load():
        assert allowed.allowed("topic", name) == name
    for unit in allowed.departments():
        assert allowed.allowed("department", unit) == unit
    for district, names in allowed.streets().items():
        assert allowed.allowed("district", district) == district
        assert names
