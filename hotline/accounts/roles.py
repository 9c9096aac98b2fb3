"""What each role may do at a desk, as one table (DOMAIN.md §3, roles)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    WATCH_CALLS = "watch_calls"
    """Calls in progress and past, their words and drafts."""
    TAKE_CALLS = "take_calls"
    """Edit the drafts of calls and accept them as orders."""
    LISTEN = "listen"
    """Tapes; every listening is logged."""
    WHOLE_NUMBERS = "whole_numbers"
    """Telephone numbers unmasked."""
    MANAGE_ACCOUNTS = "manage_accounts"


@dataclass(frozen=True, slots=True)
class Role:
    title: str
    """As the desk shows it."""
    permissions: frozenset[Permission]


_P = Permission
ROLES: dict[str, Role] = {
    # Until the queue gives a call its agent, the calls on the line are every agent's own.
    "agent": Role("话务员", frozenset({_P.WATCH_CALLS, _P.TAKE_CALLS, _P.LISTEN, _P.WHOLE_NUMBERS})),
    "reviewer": Role("审核派单员", frozenset({_P.WATCH_CALLS, _P.WHOLE_NUMBERS})),
    "unit_contact": Role("承办联络员", frozenset()),
    "revisit_clerk": Role("回访员", frozenset()),
    "quality_inspector": Role("质检员", frozenset({_P.WATCH_CALLS, _P.LISTEN})),
    "supervisor": Role("督办员", frozenset({_P.WATCH_CALLS})),
    "leader": Role("领导", frozenset({_P.WATCH_CALLS})),
    "assessor": Role("第三方评价", frozenset()),
    "administrator": Role("管理员", frozenset(Permission)),
}
"""Citizens and duty phones have no account: they prove themselves by code and by key."""
