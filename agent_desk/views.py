"""What the browser is shown of a call: plain data, telephone numbers masked for whoever may not see them whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from asr_models.written import word_by_word, written
from hotline.accounts.models import Account
from hotline.accounts.roles import ROLES
from hotline.calls.models import Call, Recording, Utterance
from hotline.drafts.draft import FIELDS
from hotline.drafts.overlay import value_of
from hotline.log import mask, mask_numbers
from hotline.orders.models import WorkOrder
from hotline.orders.queries import Paperwork
from hotline.records.models import Record

CallState = Literal["answered", "connected", "ended", "closed"]


class RoleView(BaseModel):
    name: str
    title: str


class Me(BaseModel):
    """Who is logged in, and what the desk may show them."""

    name: str
    display_name: str
    role: RoleView
    permissions: list[str]
    must_change_password: bool
    csrf: str = Field(description="To be sent as X-CSRF-Token with every request that changes something.")


class AccountView(BaseModel):
    name: str
    display_name: str
    role: RoleView
    active: bool
    must_change_password: bool
    created_at: datetime


class NewPassword(BaseModel):
    """A one-time password: shown once, kept nowhere."""

    account: AccountView
    one_time_password: str


class CallItem(BaseModel):
    """One line of a list of calls. `caller` may be masked."""

    call_id: str
    state: CallState
    answered_at: datetime
    ended_at: datetime | None
    seconds: float | None = Field(description="Length in seconds of sound since the answer; null while it runs.")
    caller: str
    caller_name: str | None
    called: str
    diverted_from: str | None
    hung_up_by: str | None
    title: str | None
    category: str | None
    district: str | None
    urgent: bool | None = Field(description="Null: nothing known yet.")
    urgent_class: str | None
    doubt: bool = Field(description="Somebody has to ask whether it is urgent.")
    order_no: str | None = Field(description="The order it was accepted as.")


class WordView(BaseModel):
    """`start` and `end` are call time: seconds of sound since the answer."""

    text: str
    written: str = Field(
        description="The word with numbers in figures. What stands for several words stands at the first; "
        "the others have nothing."
    )
    start: float
    end: float
    confidence: float


class UtteranceView(BaseModel):
    """What one speaker said in one breath. `written` is for reading: the text with numbers in figures."""

    id: int
    speaker: str
    start: float
    end: float
    text: str
    written: str
    confidence: float
    source: Literal["live", "tape"]
    words: list[WordView]


class SpanView(BaseModel):
    """The speech that a value comes from, in call time."""

    start: float
    end: float
    text: str


class FieldView(BaseModel):
    """A value that was heard, or that somebody put there: then `suggested` is what was heard, if anything."""

    value: str | bool | None = Field(description="Null only in an edited field: not given, or taken away.")
    confidence: float
    span: SpanView | None
    edited: bool
    follows: str | None = Field(description="The edited field that this one follows: the unit the topic.")
    suggested: str | bool | None


class OrderView(BaseModel):
    """What an accepted draft became. Number and code together are the caller's key to it."""

    order_no: str
    extract_code: str | None = Field(description="Null for whoever does not see numbers whole.")
    accepted_at: datetime
    agent: str = Field(description="Who accepted it, as people call them.")


class DraftView(BaseModel):
    """The draft with the agents' edits over it, true as of ledger row `seq`."""

    seq: int
    version: int
    complete: bool
    updated_at: datetime
    fields: dict[str, FieldView | None]
    missing: list[str] = Field(description="What an order needs and nobody has named, the weightiest first.")
    asks: dict[str, str] = Field(description="The question for each that is missing.")
    choices: dict[str, list[str]] = Field(description="The next best values of a field, best first.")
    order: OrderView | None


class ChoicesView(BaseModel):
    """What a field can be, in the catalogue's order; streets and towns by district."""

    category: list[str]
    topic: list[str]
    district: list[str]
    department: list[str]
    handover: list[str]
    wish: list[str]
    streets: dict[str, list[str]]


class MomentView(BaseModel):
    """A ledger row of the call, without what it carries."""

    seq: int
    at: datetime
    kind: str


class RecordingView(BaseModel):
    state: Literal["open", "closed", "repaired"]
    seconds: float | None
    lost_seconds: float
    sha256: str | None


class CallPage(BaseModel):
    """All that the page of one call shows, true as of ledger row `seq`."""

    seq: int
    call: CallItem
    utterances: list[UtteranceView]
    draft: DraftView | None
    timeline: list[MomentView]
    recording: RecordingView | None


class CallList(BaseModel):
    """True as of ledger row `seq`. `more`: there are older ones beyond the last."""

    seq: int
    calls: list[CallItem]
    more: bool


class PeaksView(BaseModel):
    """The outline of a tape: one value (0 to 1) a stretch for each side; the stretches divide `seconds` evenly."""

    seconds: float
    left: list[float] = Field(description="The caller.")
    right: list[float] = Field(description="What the caller heard: greeting, agent.")


# -- what comes over the WebSocket ---------------------------------------------------------------------------


class LiveRecord(BaseModel):
    """A ledger row about a call, numbered, in order, once each. What it changed is told of the watched call alone."""

    type: Literal["record"] = "record"
    seq: int
    at: datetime
    kind: str
    call: CallItem
    utterance: UtteranceView | None = None
    draft: DraftView | None = None
    recording: RecordingView | None = None


class LiveWords(BaseModel):
    """Words being spoken, subject to change; kept nowhere. They follow on all that is final before `heard_until`."""

    type: Literal["words"] = "words"
    call_id: str
    speaker: str
    text: str
    heard_until: float


class LiveTick(BaseModel):
    """A sign of life every few seconds; `seq` is the newest row that this desk knows, `at` its time of day."""

    type: Literal["tick"] = "tick"
    seq: int
    at: datetime


class LiveReady(BaseModel):
    """All that was missed has been sent; what follows is new."""

    type: Literal["ready"] = "ready"
    seq: int


class LiveReset(BaseModel):
    """Too much was missed to send it row by row: load the page's data anew. What follows is beyond row `seq`."""

    type: Literal["reset"] = "reset"
    seq: int


LiveMessage = Annotated[LiveRecord | LiveWords | LiveTick | LiveReady | LiveReset, Field(discriminator="type")]


# -- from rows -----------------------------------------------------------------------------------------------


def role_view(role: str) -> RoleView:
    return RoleView(name=role, title=ROLES[role].title)


def account_view(account: Account) -> AccountView:
    return AccountView(
        name=account.name,
        display_name=account.display_name,
        role=role_view(account.role),
        active=account.active,
        must_change_password=account.must_change,
        created_at=account.created_at,
    )


def call_item(call: Call, paper: Paperwork, *, whole: bool) -> CallItem:
    """`whole`: telephone numbers are shown unmasked."""

    def value(name: str) -> Any:
        return value_of(paper.fields, name)

    return CallItem(
        call_id=call.call_id,
        state=call.state,  # type: ignore[arg-type]  # the call's own table of moves knows no others
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        seconds=call.seconds,
        caller=_number(call.caller, whole) or "",
        caller_name=_text(call.caller_name, whole),  # where many telephones put their number
        called=call.called,
        diverted_from=_number(call.diverted_from, whole),
        hung_up_by=call.hung_up_by,
        title=_text(value("title"), whole),
        category=value("category"),
        district=value("district"),
        urgent=value("urgent"),
        urgent_class=value("urgent_class"),
        # a draft from before there was this field was undecided instead
        doubt=bool(value("doubt") or (value("urgent") is None and value("urgent_class"))),
        order_no=paper.order.order_no if paper.order is not None else None,
    )


def utterance_view(row: Utterance, *, whole: bool) -> UtteranceView:
    words = [dict(word) for word in row.words]
    if not whole:
        # over all words at once: a number is said in several
        masked = mask_numbers("".join(word["text"] for word in words), strict=True)
        for word in words:
            word["text"], masked = masked[: len(word["text"])], masked[len(word["text"]) :]
    # written from what is masked already: figures must not tell what the words do not
    text = _text(row.text, whole) or ""
    shown = word_by_word([word["text"] for word in words])
    return UtteranceView(
        id=row.id,
        speaker=row.speaker,
        start=row.start,
        end=row.end,
        text=text,
        written=written(text),
        confidence=row.confidence,
        source=row.source,  # type: ignore[arg-type]
        words=[
            WordView(written=form, **{key: word[key] for key in ("text", "start", "end", "confidence")})
            for word, form in zip(words, shown, strict=True)
        ],
    )


def draft_view(paper: Paperwork, seq: int, *, whole: bool) -> DraftView | None:
    """None while there is no draft; `seq` is the newest ledger row that it knows of."""
    if (row := paper.draft) is None:
        return None
    return DraftView(
        seq=seq,
        version=row.version,
        complete=row.complete,
        updated_at=row.updated_at,
        fields={
            name: None if paper.fields[name] is None else _field_view(name, paper.fields[name], whole)
            for name in FIELDS
        },
        missing=paper.fields["missing"],
        asks=paper.fields["asks"],
        choices=paper.fields["choices"],
        order=order_view(paper.order, whole=whole) if paper.order is not None else None,
    )


def _field_view(name: str, field: dict[str, Any], whole: bool) -> FieldView:
    def shown(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return _number(value, whole) if name == "phone" else _text(value, whole)

    span = field["span"]
    return FieldView(
        value=shown(field["value"]),
        confidence=field["confidence"],
        span=None if span is None else _span_view(span, whole),
        edited=field.get("edited", False),
        follows=field.get("follows"),
        suggested=shown(field.get("suggested")),
    )


def _span_view(span: dict[str, Any], whole: bool) -> SpanView:
    return SpanView(start=span["start"], end=span["end"], text=_text(span["text"], whole) or "")


def order_view(order: WorkOrder, *, whole: bool) -> OrderView:
    return OrderView(
        order_no=order.order_no,
        extract_code=order.extract_code if whole else None,
        accepted_at=order.accepted_at,
        agent=order.account.display_name,
    )


def moment_view(record: Record) -> MomentView:
    return MomentView(seq=record.seq, at=record.at, kind=record.kind)


def recording_view(row: Recording) -> RecordingView:
    return RecordingView(
        state=row.state,  # type: ignore[arg-type]
        seconds=None if row.samples is None else row.samples / row.rate_hz,
        lost_seconds=row.lost_samples / row.rate_hz,
        sha256=row.sha256,
    )


def live_words(call_id: str, said: dict[str, Any], *, whole: bool) -> LiveWords:
    return LiveWords(
        call_id=call_id,
        speaker=said["speaker"],
        text=_text(said["text"], whole) or "",
        heard_until=said["heard_until"],
    )


def _number(number: str | None, whole: bool) -> str | None:
    if whole or not number:
        return number
    return mask(number) if len(number) >= 11 else f"{number[:1]}****{number[-2:]}"


def _text(text: str | None, whole: bool) -> str | None:
    return text if whole or text is None else mask_numbers(text, strict=True)
