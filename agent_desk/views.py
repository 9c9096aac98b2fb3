"""What the browser is shown of a call: plain data, telephone numbers masked for whoever may not see them whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from asr_models.written import word_by_word, written
from hotline.accounts.models import Account
from hotline.accounts.roles import ROLES
from hotline.calls.models import Call, Recording, Utterance
from hotline.drafts.models import DraftRow
from hotline.log import mask, mask_numbers
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
    urgent: bool | None = Field(description="Null: nothing known yet, or a hazard in doubt (then urgent_class is set).")
    urgent_class: str | None


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
    value: str | bool
    confidence: float
    span: SpanView


class DraftView(BaseModel):
    version: int
    complete: bool
    updated_at: datetime
    fields: dict[str, FieldView | None]
    missing: list[str]


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


def call_item(call: Call, draft: DraftRow | None, *, whole: bool) -> CallItem:
    """`whole`: telephone numbers are shown unmasked."""
    fields = draft.fields if draft is not None else {}

    def value(name: str) -> Any:
        field = fields.get(name)
        return None if field is None else field["value"]

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


def draft_view(row: DraftRow, *, whole: bool) -> DraftView:
    fields: dict[str, FieldView | None] = {}
    for name, field in row.fields.items():
        if name == "missing":
            continue
        fields[name] = None if field is None else _field_view(name, field, whole)
    return DraftView(
        version=row.version,
        complete=row.complete,
        updated_at=row.updated_at,
        fields=fields,
        missing=row.fields["missing"],
    )


def _field_view(name: str, field: dict[str, Any], whole: bool) -> FieldView:
    value, span = field["value"], field["span"]
    if name == "phone":
        value = _number(value, whole)
    elif isinstance(value, str):
        value = _text(value, whole)
    return FieldView(
        value=value,
        confidence=field["confidence"],
        span=SpanView(start=span["start"], end=span["end"], text=_text(span["text"], whole) or ""),
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
