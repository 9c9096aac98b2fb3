"""What can happen, in the past tense: the kinds of ledger rows. One list, so that every reader knows the words."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    CALL_ANSWERED = "call_answered"
    """200 sent; the tape runs from here."""
    CALL_CONNECTED = "call_connected"
    """The caller's ACK has come."""
    CALL_REFUSED = "call_refused"
    """No leg free, no codec in common, or an INVITE that does harm: the caller got a 4xx or 5xx."""
    CALL_ENDED = "call_ended"
    CALL_CLOSED = "call_closed"
    """Tape closed, words whole, draft final."""
    PROMPT_STARTED = "prompt_started"
    PROMPT_ENDED = "prompt_ended"
    KEY_PRESSED = "key_pressed"
    LEG_CONNECTED = "leg_connected"
    LEG_ENDED = "leg_ended"
    LEGS_JOINED = "legs_joined"
    LEGS_PARTED = "legs_parted"
    TAPE_STARTED = "tape_started"
    TAPE_FAILED = "tape_failed"
    TAPE_RECOVERED = "tape_recovered"
    TAPE_CLOSED = "tape_closed"
    TAPE_REPAIRED = "tape_repaired"
    """The process that wrote it died; it was made readable and linked."""
    EARS_STARTED = "ears_started"
    EARS_MISSED = "ears_missed"
    """Seconds of a call that recognition did not hear; they are transcribed from the tape."""
    EARS_STOPPED = "ears_stopped"
    UTTERANCE_HEARD = "utterance_heard"
    HOLE_FILLED = "hole_filled"
    WORDS_MISSING = "words_missing"
    """A hole that could not be filled from the tape either."""
    DRAFT_UPDATED = "draft_updated"
    DRAFT_COMPLETED = "draft_completed"
    PAYLOAD_ERASED = "payload_erased"
    """A person's right: what another row carried was erased; that it happened stays (records.ledger.erase)."""
    FACT_UNREADABLE = "fact_unreadable"
    """A card told something that could not be recorded; kept here for whoever mends it."""


def words_topic(call_id: str) -> str:
    """Where a call's words appear while they are spoken (MQTT, QoS 0)."""
    return f"hotline/calls/{call_id}/words"
