"""Somebody at the desk watches a call become text and a draft, and hears it again, in a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from browser import PASSWORD, Visitor, chromium
from drafted import draft_of
from hand import hand_on
from lossy import Network
from playwright.sync_api import Browser, Page, expect
from stack import PATIENCE_SECONDS, RATE_HZ, Stack, until

from asr_models import voice
from hotline.calls import queries, service
from hotline.calls.models import CallLeg
from hotline.clock import now
from hotline.drafts.models import DraftRow
from hotline.orders import queries as orders
from hotline.orders.service import accept
from ivr.citizen import Result, Script, send_citizen

AXE = Path(__file__).parents[2] / "agent_desk/web/node_modules/axe-core/axe.min.js"
NewStack = Callable[..., Stack]

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def logged_in(browser: Browser, shared_stack: Stack) -> Any:
    """The cookies of the shared hotline's administrator."""
    visitor = Visitor.arrive(browser, shared_stack.desk)
    visitor.log_in_first(shared_stack)
    state = visitor.context.storage_state()
    visitor.leave()
    return state


@pytest.fixture
def admin(browser: Browser, shared_stack: Stack, logged_in: Any) -> Iterator[Visitor]:
    """The administrator at the shared hotline's desk; the console must stay clean."""
    visitor = Visitor.arrive(browser, shared_stack.desk, storage_state=logged_in)
    yield visitor
    visitor.leave()
    assert visitor.complaints == []


@pytest.fixture(scope="module")
def telephone() -> Iterator[Callable[..., Future[Result]]]:
    """Sends a citizen who calls while the test looks at the page (Playwright holds the test's own event loop)."""
    with ThreadPoolExecutor(4) as pool:
        yield lambda stack, pcm, **script: pool.submit(
            lambda: asyncio.run(send_citizen(Script(to=stack.sip, pcm=pcm, **script)))
        )


def story(page: Page, state: str = "") -> Any:
    """The call that is shown, once it is in that state."""
    return page.locator(f'.story[data-state="{state}"]' if state else ".story")


def shown_utterances(page: Page) -> list[str]:
    return [one.get_attribute("data-utterance") or "" for one in page.locator("[data-utterance]").all()]


def call_of(stack: Stack, result: Result) -> str:
    call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
    return str(stack.books.until_closed(call.call_id).call_id)


def hang_up(stack: Stack, call_id: str) -> None:
    """The hotline ends the call: a citizen who stays on the line has the page of the next test follow him."""

    async def from_here() -> None:
        async with hand_on(stack, 0) as hand:
            await hand.ask("0", "hang_up", leg=call_id)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(from_here())).result()


def kept_utterances(stack: Stack, call_id: str) -> list[str]:
    with stack.books.db.read() as session:
        return [str(row.id) for row in queries.utterances(session, call_id)]


def test_words_appear_while_they_are_spoken_the_draft_fills_and_a_clicked_word_is_heard(
    shared_stack: Stack, admin: Visitor, telephone: Any, spoken: bytes
) -> None:
    page = admin.page
    page.goto("/calls")
    admin.until_live()
    calling = telephone(shared_stack, spoken, linger_seconds=6.0)
    live = story(page, "connected")
    expect(live.locator(".partial .said")).not_to_be_empty()  # grey, while it is being said
    expect(live.locator(".word", has_text="金牛区")).to_be_visible()  # black, before the call ends
    expect(live.locator('[data-field="district"]')).to_have_text("金牛区")
    expect(live.locator(".alarm.urgent")).to_contain_text("燃气")
    assert not calling.done(), "all this before the citizen hung up"
    expect(live.locator(".partial")).to_have_count(0)  # what is final is not being said any more
    # a field lights the words it came from
    live.locator('[data-field="district"]').hover()
    expect(live.locator(".word.lit")).to_have_text(["金牛区"])
    live.locator(".caller").first.hover()
    expect(live.locator(".word.lit")).to_have_count(0)

    call_id = call_of(shared_stack, calling.result())
    past = story(page, "closed")
    assert past.get_attribute("data-call") == call_id, "the page stays with the call it followed"
    replay = past.get_by_label("录音回放")
    expect(replay.locator("canvas").first).to_be_visible()
    assert "recording_heard" not in shared_stack.books.kinds(call_id), "who looks has not listened"
    word = past.locator(".word", has_text="金牛区")
    start = float(word.get_attribute("data-start") or -1)
    word.click()
    page.wait_for_function(
        "start => Math.abs(document.querySelector('.replay').dataset.seconds - start) < 1.5 && "
        "document.querySelector('.replay').dataset.seconds > start",
        arg=start,
    )  # it plays on from there
    expect(word).to_have_class("word now")
    kinds = shared_stack.books.kinds(call_id)
    assert kinds.count("recording_heard") == 1, "however many pieces of the tape were fetched"
    assert kinds.count("call_opened") == 1


def test_an_edit_made_while_words_still_come_stays_and_one_key_makes_the_draft_an_order(
    shared_stack: Stack, admin: Visitor, telephone: Any, spoken: bytes
) -> None:
    page, later = admin.page, voice.speak("我家门口的路灯也坏了")
    page.goto("/calls")
    admin.until_live()
    calling = telephone(
        shared_stack, spoken + bytes(2 * RATE_HZ * 6) + later, polite=False, linger_seconds=PATIENCE_SECONDS
    )
    live = story(page, "connected")
    expect(live.locator('[data-field="district"]')).to_have_text("金牛区")
    expect(live.locator("[data-row]").first).to_have_attribute("data-row", "address")
    expect(live.locator('[data-missing="address"]')).to_contain_text("请问")
    live.locator('[data-field="title"]').click()
    page.get_by_label("标题", exact=True).fill("燃气味很大")
    page.keyboard.press("Enter")
    expect(live.locator('[data-row="title"]')).to_contain_text("已修改")
    page.keyboard.press("e")
    page.keyboard.press("Enter")
    page.keyboard.type("花牌坊街")
    expect(live.locator("[data-utterance]")).to_have_count(2)  # and with it another draft
    expect(live.locator('[data-field="content"]')).to_contain_text("路灯")
    address = page.get_by_label("详细地址", exact=True)
    expect(address).to_be_focused()
    expect(address).to_have_value("花牌坊街")
    page.keyboard.type("8号")
    page.keyboard.press("Enter")
    expect(live.locator('[data-field="address"]')).to_have_text("花牌坊街8号")
    expect(live.locator('[data-field="title"]')).to_have_text("燃气味很大")
    expect(live.locator('[data-missing="phone"]')).to_be_focused()  # the next to be asked for
    assert not calling.done(), "all this before the citizen hung up"

    page.keyboard.press("Control+Enter")
    shown = live.locator("[data-order]")
    expect(shown).to_be_visible()
    call_id = live.get_attribute("data-call") or ""
    with shared_stack.books.db.read() as session:
        order = orders.of_call(session, call_id)
        assert order is not None
        assert (order.title, order.fields["address"]) == ("燃气味很大", "花牌坊街8号")
        assert order.recording_id is not None
    expect(shown.locator(".number")).to_have_text(order.order_no)
    expect(shown.locator(".code")).to_have_text(order.extract_code)
    expect(page.get_by_role("button", name="受理")).to_have_count(0)
    live.locator('[data-field="title"]').click()
    expect(page.get_by_label("标题", exact=True)).to_have_count(0)  # nothing can be edited any more
    kinds = shared_stack.books.kinds(call_id)
    assert (kinds.count("draft_edited"), kinds.count("order_drafted")) == (2, 1)
    hang_up(shared_stack, call_id)
    call_of(shared_stack, calling.result())


def test_a_doubt_is_settled_and_a_choice_taken_and_taken_back_by_single_keys_and_another_page_sees_it(
    browser: Browser, shared_stack: Stack, admin: Visitor, logged_in: Any
) -> None:
    call_id = shared_stack.asked("call", "--text", "路灯坏了", "--barge-in")["call_id"]
    with shared_stack.books.db.write() as session:
        row = session.get_one(DraftRow, call_id)
        row.fields = {
            **draft_of(urgent_class="火情", doubt=True), "choices": {"category": ["求助", "投诉", "举报"]},
        }  # fmt: skip
    other = Visitor.arrive(browser, shared_stack.desk, storage_state=logged_in)
    for visitor in (admin, other):
        visitor.page.goto(f"/calls/{call_id}")
        visitor.until_live()
    page, seen = admin.page, other.page
    expect(page.locator(".alarm.doubt")).to_contain_text("火情")
    page.keyboard.press("n")
    for one in (page, seen):
        expect(one.locator(".alarm")).to_have_count(0)
        expect(one.locator('[data-row="urgent"]')).to_contain_text("已修改")
    page.keyboard.press("e")
    expect(page.locator('[data-missing="address"]')).to_be_focused()
    for name in ("phone", "title", "category"):
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.closest('[data-row]').dataset.row") != name:
            page.keyboard.press("Tab")
    page.keyboard.press("2")
    for one in (page, seen):
        expect(one.locator('[data-field="category"]')).to_have_text("举报")
    page.keyboard.press("z")
    for one in (page, seen):
        expect(one.locator('[data-field="category"]')).to_have_text("求助")
    page.keyboard.press("Enter")
    page.keyboard.type("建")
    expect(page.get_by_role("option")).to_have_text("建议")
    page.keyboard.press("Escape")
    expect(page.locator('[data-field="category"]')).to_be_focused()
    expect(page.locator('[data-field="category"]')).to_have_text("求助")
    seen.keyboard.press("Control+Enter")
    for one in (page, seen):
        expect(one.locator("[data-order] .code")).to_be_visible()
    assert other.complaints == []
    other.leave()


def test_two_speakers_stand_apart(shared_stack: Stack, admin: Visitor, telephone: Any, spoken: bytes) -> None:
    page = admin.page
    page.goto("/calls")
    admin.until_live()
    known = len(shared_stack.books.calls())
    calling = telephone(shared_stack, spoken + bytes(2 * RATE_HZ * 8), polite=False)
    call = shared_stack.books.until_call("connected", known)
    answer = voice.speak("好的，我记下了，马上通知燃气公司", voice="f3")

    async def agent() -> None:
        async with hand_on(shared_stack, 0) as hand:
            await hand.speak_as_agent(shared_stack, call.call_id, bytes(2 * RATE_HZ) + answer + bytes(2 * RATE_HZ * 2))

    with ThreadPoolExecutor(1) as pool:
        speaking = pool.submit(lambda: asyncio.run(agent()))
        live = story(page, "connected")
        expect(live.locator(".utterance.agent.partial")).not_to_be_empty()
        expect(live.locator(".utterance.agent .word").first).to_be_visible()
        expect(live.locator(".utterance.caller .word").first).to_be_visible()
        speaking.result()
    assert call_of(shared_stack, calling.result()) == call.call_id
    expect(page.locator("[data-utterance]")).to_have_count(len(kept_utterances(shared_stack, call.call_id)))
    assert shown_utterances(page) == kept_utterances(shared_stack, call.call_id)


def test_a_page_that_is_reloaded_in_mid_call_has_everything_once(
    shared_stack: Stack, admin: Visitor, telephone: Any, spoken: bytes
) -> None:
    page = admin.page
    page.goto("/calls")
    admin.until_live()
    calling = telephone(shared_stack, spoken + bytes(2 * RATE_HZ * 2) + spoken, polite=False, linger_seconds=2.0)
    expect(story(page, "connected").locator("[data-utterance]").first).to_be_visible()
    page.reload()
    expect(story(page, "connected").locator("[data-utterance]").first).to_be_visible()
    call_id = call_of(shared_stack, calling.result())
    expect(story(page, "closed")).to_be_visible()
    kept = kept_utterances(shared_stack, call_id)
    assert len(kept) > 1
    expect(page.locator("[data-utterance]")).to_have_count(len(kept))
    assert shown_utterances(page) == kept


def test_a_desk_that_is_killed_and_started_again_leaves_nothing_out_and_shows_nothing_twice(
    browser: Browser, new_stack: NewStack, telephone: Any, spoken: bytes
) -> None:
    stack = new_stack()
    visitor = Visitor.arrive(browser, stack.desk)
    visitor.log_in_first(stack)
    visitor.until_live()
    page = visitor.page
    calling = telephone(stack, spoken + bytes(2 * RATE_HZ * 2) + spoken, polite=False, linger_seconds=3.0)
    expect(story(page, "connected").locator("[data-utterance]").first).to_be_visible()
    old = stack.kill("desk")
    page.locator('[data-standing="lost"]').wait_for()
    stack.until_restarted("desk", old)
    visitor.until_live()  # still logged in
    call_id = call_of(stack, calling.result())
    expect(story(page, "closed")).to_be_visible()
    kept = kept_utterances(stack, call_id)
    expect(page.locator("[data-utterance]")).to_have_count(len(kept))
    assert shown_utterances(page) == kept
    # the broken connection is all that the browser may complain of
    assert [line for line in visitor.complaints if "/api/live" not in line and "ERR_CONNECTION" not in line] == []
    visitor.leave()


def test_a_page_whose_network_is_lost_catches_up_when_it_is_found(
    browser: Browser, shared_stack: Stack, logged_in: Any, telephone: Any, spoken: bytes
) -> None:
    with Network(shared_stack.desk_port) as network:
        visitor = Visitor.arrive(browser, f"http://127.0.0.1:{network.port}", storage_state=logged_in)
        page = visitor.page
        page.goto("/calls")
        visitor.until_live()
        calling = telephone(shared_stack, spoken + bytes(2 * RATE_HZ * 2) + spoken, polite=False)
        expect(story(page, "connected").locator("[data-utterance]").first).to_be_visible()
        network.lose()
        page.locator('[data-standing="lost"]').wait_for()  # though nobody broke the connection off
        call_id = call_of(shared_stack, calling.result())
        network.find()
        visitor.until_live()
        expect(story(page, "closed")).to_be_visible()
        kept = kept_utterances(shared_stack, call_id)
        assert len(kept) > 1
        expect(page.locator("[data-utterance]")).to_have_count(len(kept))
        assert shown_utterances(page) == kept
        visitor.leave()


def test_numbers_are_shown_in_figures_and_as_they_were_said_on_hover(shared_stack: Stack, admin: Visitor) -> None:
    call_id = shared_stack.asked("call", "--text", "路灯坏了", "--barge-in")["call_id"]
    words = [
        {"text": text, "start": 90.0 + n, "end": 91.0 + n, "confidence": 1.0}
        for n, text in enumerate(["三栋", "五零四", "花了", "一百", "二十", "块钱"])
    ]
    said = {"start": 90.0, "end": 96.0, "text": "三栋五零四花了一百二十块钱", "confidence": 1.0, "words": words}
    with shared_stack.books.db.write() as session:
        service.add_utterance(session, session.get_one(CallLeg, call_id), now(), said, source="tape")
    page = admin.page
    page.goto(f"/calls/{call_id}")
    shown = page.locator(".utterance").last.locator(".word")
    expect(shown).to_have_text(["3栋", "504", "花了", "120", "块钱"])
    expect(shown.nth(3)).to_have_attribute("title", "原话“一百二十”")
    assert shown.nth(2).get_attribute("title") is None


def test_markup_in_a_transcript_is_text(shared_stack: Stack, admin: Visitor) -> None:
    call_id = shared_stack.asked("call", "--text", "路灯坏了", "--barge-in")["call_id"]
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>&lt;b&gt;"
    said = {"start": 90.0, "end": 91.0, "text": evil, "confidence": 1.0, "words": []}
    with shared_stack.books.db.write() as session:
        service.add_utterance(session, session.get_one(CallLeg, call_id), now(), said, source="tape")
    page = admin.page
    page.goto(f"/calls/{call_id}")
    expect(page.locator(".utterance .word").last).to_have_text(evil)
    expect(page.locator('[data-field="content"]')).to_contain_text("<img")
    assert page.locator(".story img, .list img").count() == 0
    assert page.title() == "12345 热线"


def test_a_link_that_leads_elsewhere_after_logging_in_is_not_followed(
    browser: Browser, shared_stack: Stack, logged_in: Any
) -> None:
    for elsewhere in ("https://example.org/", "//example.org/", "/\\example.org", "javascript:alert(1)"):
        visitor = Visitor.arrive(browser, shared_stack.desk)
        visitor.page.goto(f"/login?next={elsewhere}")
        visitor.page.get_by_label("用户名").fill("admin")
        visitor.page.get_by_label("密码", exact=True).fill(PASSWORD)
        visitor.page.get_by_role("button", name="登录").click()
        visitor.page.wait_for_url(f"{shared_stack.desk}/calls")
        visitor.leave()


def test_a_page_that_was_asked_for_is_where_logging_in_leads(
    browser: Browser, shared_stack: Stack, logged_in: Any
) -> None:
    visitor = Visitor.arrive(browser, shared_stack.desk)
    visitor.page.goto("/accounts")
    visitor.page.wait_for_url("**/login?next=/accounts")
    visitor.page.get_by_label("用户名").fill("admin")
    visitor.page.get_by_label("密码", exact=True).fill("wrong")
    visitor.page.get_by_role("button", name="登录").click()
    expect(visitor.page.get_by_role("alert")).to_have_text("用户名或密码不正确")
    visitor.page.get_by_label("密码", exact=True).fill(PASSWORD)
    visitor.page.get_by_role("button", name="登录").click()
    visitor.page.wait_for_url("**/accounts")
    visitor.leave()


def test_a_role_sees_its_pages_only_and_numbers_masked_where_they_are_not_its_business(
    browser: Browser, shared_stack: Stack, admin: Visitor
) -> None:
    call_id = shared_stack.asked("call", "--text", "成华区路灯坏了", "--barge-in", "--caller", "13912345678")["call_id"]
    admin.page.goto("/accounts")
    passwords = {}
    for name, role in (("qin", "质检员"), ("duan", "承办联络员")):
        admin.page.get_by_role("button", name="新建账号").click()
        admin.page.get_by_label("用户名").fill(name)
        admin.page.get_by_label("姓名").fill(f"小{name}")
        admin.page.get_by_role("dialog").get_by_label("角色").click(force=True)
        admin.page.get_by_role("option", name=role).click()
        admin.page.get_by_role("button", name="创建", exact=True).click()
        code = admin.page.locator(".password code")
        expect(code).to_be_visible()
        passwords[name] = code.inner_text()
        admin.page.get_by_role("button", name="我已记下").click()
        expect(code).to_be_hidden()
    expect(admin.page.locator('[data-account="qin"]')).to_contain_text("待设密码")

    inspector = Visitor.arrive(browser, shared_stack.desk)
    inspector.log_in("qin", passwords["qin"])
    inspector.choose_password("Jinli-Gujie-88")
    inspector.page.wait_for_url("**/calls")
    expect(inspector.page.get_by_role("navigation")).to_have_text("通话")
    inspector.page.locator(f'[data-call="{call_id}"]').first.click()
    expect(inspector.page.locator(".story .caller").first).to_have_text("139****5678")
    expect(inspector.page.get_by_label("录音回放")).to_be_visible()
    inspector.page.goto("/accounts")
    inspector.page.wait_for_url("**/nothing")
    assert inspector.complaints == []
    inspector.leave()

    contact = Visitor.arrive(browser, shared_stack.desk)
    contact.log_in("duan", passwords["duan"])
    contact.choose_password("Jinli-Gujie-88")
    contact.page.wait_for_url("**/nothing")
    expect(contact.page.get_by_text("承办联络员").first).to_be_visible()
    contact.page.goto(f"/calls/{call_id}")
    contact.page.wait_for_url("**/nothing")
    contact.leave()


def test_calls_are_gone_through_and_heard_with_the_keyboard_alone(shared_stack: Stack, admin: Visitor) -> None:
    first, second = (shared_stack.asked("call", "--text", "锦江区噪音很大", "--barge-in")["call_id"] for _ in range(2))
    page = admin.page
    page.add_init_script(
        "window.Audio = new Proxy(Audio, { construct: C => (window.heard ??= []).push(new C()) && heard.at(-1) })"
    )
    page.goto(f"/calls/{second}")
    expect(story(page, "closed").get_by_label("录音回放").locator("canvas").first).to_be_visible()
    page.keyboard.press("j")
    page.wait_for_url(f"**/calls/{first}")
    page.keyboard.press("k")
    expect(page.locator(f'.story[data-call="{second}"] .replay canvas').first).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.replay').dataset.seconds > 1")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="暂停")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(f'.story[data-call="{first}"] .replay canvas').first).to_be_visible()
    assert page.evaluate("heard.length > 1 && heard.every(one => one.paused)"), "whoever goes on hears no more of it"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("跟随来电")


def test_the_pages_meet_aa_in_light_and_in_dark(browser: Browser, shared_stack: Stack, logged_in: Any) -> None:
    call_id = shared_stack.asked("call", "--text", "金牛区燃气泄漏，味道很大", "--barge-in")["call_id"]
    ordered = shared_stack.asked("call", "--text", "金牛区路灯坏了", "--barge-in")["call_id"]
    with shared_stack.books.db.write() as session:
        accept(session, ordered, "admin", now())
    for scheme in ("light", "dark"):
        visitor = Visitor.arrive(
            browser, shared_stack.desk, storage_state=logged_in, bypass_csp=True, color_scheme=scheme
        )
        page = visitor.page
        for path, there in (
            ("/login", 'button[type="submit"]'),
            (f"/calls/{call_id}", ".replay canvas"),
            (f"/calls/{ordered}", "[data-order]"),
            ("/calls", ".waiting h2"),
            ("/accounts", "[data-account]"),
            ("/password", 'button[type="submit"]'),
        ):
            page.goto(path)
            page.locator(there).first.wait_for()
            page.add_style_tag(content="* { animation: none !important; transition: none !important }")
            page.add_script_tag(path=AXE)
            found = page.evaluate(
                "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] }).then(found => ({"
                "kept: found.passes.map(one => one.id), broken: found.violations.map("
                "one => `${one.id}: ${one.nodes.map(node => node.html.slice(0, 160)).join(' | ')}`) }))"
            )
            assert found["broken"] == [], f"{path} in {scheme}"
            assert "color-contrast" in found["kept"], "it was looked at"
        visitor.leave()


def test_a_desk_that_does_not_answer_leaves_no_empty_page(
    browser: Browser, shared_stack: Stack, logged_in: Any
) -> None:
    visitor = Visitor.arrive(browser, shared_stack.desk, storage_state=logged_in)
    visitor.page.route("**/api/session", lambda route: route.abort())
    visitor.page.goto("/calls")
    expect(visitor.page.get_by_role("alert")).to_contain_text("连接不上服务器")
    visitor.page.unroute("**/api/session")
    visitor.page.get_by_role("button", name="重新载入").click()
    visitor.until_live()
    visitor.leave()
