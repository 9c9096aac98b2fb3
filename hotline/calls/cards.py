"""The line service's view of its cards: follows each of them for ever, and joins legs wherever they are."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from ivr.client import CardClient, CardGone

log = structlog.get_logger()

_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class LegAt:
    """A leg and the card it is on."""

    card: str
    leg_id: str


class Follower(Protocol):
    """Who is told what a card says."""

    async def card_up(self, card: str, status: dict[str, Any]) -> None: ...
    async def fact(self, card: str, card_run: str, fact: dict[str, Any]) -> None: ...
    def momentary(self, card: str, message: dict[str, Any]) -> None: ...


class Cards:
    """Connections to the cards of this machine, by name."""

    def __init__(self, sockets: dict[str, Path], clients: dict[str, CardClient] | None = None) -> None:
        self.sockets = sockets
        self._clients = dict(clients or {})

    async def follow(self, card: str, follower: Follower) -> None:
        """Be told everything the card says, from what was not yet acknowledged; reconnects for ever."""
        while True:
            try:
                client = await CardClient.connect(self.sockets[card])
            except CardGone:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._clients[card] = client
            try:
                await self._attend(card, client, follower)
            except CardGone:
                pass
            finally:
                self._clients.pop(card, None)
                await client.close()
            log.warning("card gone", card=card)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _attend(self, card: str, client: CardClient, follower: Follower) -> None:
        status = await client.ask("subscribe")
        log.info("card followed", card=card, run=status["card_run"], legs=status["legs"])
        await follower.card_up(card, status)
        async for fact in client.facts():
            if "n" in fact:
                await follower.fact(card, status["card_run"], fact)
                client.tell("ack", n=fact["n"])
            else:
                follower.momentary(card, fact)

    async def ask(self, card: str, do: str, **arguments: Any) -> dict[str, Any]:
        """Command a card. Raises CardGone or CardRefused."""
        client = self._clients.get(card)
        if client is None:
            raise CardGone(f"card {card} is away")
        return await client.ask(do, **arguments)

    async def join(self, one: LegAt, other: LegAt) -> None:
        """Let two legs hear each other; across cards by a pair of socket legs, which end with either leg."""
        if one.card == other.card:
            await self.ask(one.card, "join", leg=one.leg_id, other=other.leg_id)
            return
        link = secrets.token_hex(4)
        near, far = f"link-{link}-a", f"link-{link}-b"
        await self.ask(one.card, "open_leg", leg=near, tied_to=one.leg_id)
        peer = str(self.sockets[one.card])
        await self.ask(other.card, "connect_leg", leg=far, tied_to=other.leg_id, socket=peer, remote=near)
        await self.ask(one.card, "join", leg=one.leg_id, other=near)
        await self.ask(other.card, "join", leg=other.leg_id, other=far)
