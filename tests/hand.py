"""A hand that commands cards in tests, as the service will: dials, joins, listens, and speaks as an agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from stack import Stack

from ivr.client import CardClient
from ivr.pcm import FRAME_BYTES
from ivr.wire import encode


@dataclass
class Hand:
    """Commands cards beside the line service, which goes on writing everything down."""

    clients: dict[str, CardClient]

    async def ask(self, card: str, do: str, **arguments: Any) -> dict[str, Any]:
        return await self.clients[card].ask(do, **arguments)

    async def state(self, card: str, leg: str) -> str | None:
        return (await self.ask(card, "status"))["legs"].get(leg)

    async def until_state(self, card: str, leg: str, state: str | None) -> None:
        async with asyncio.timeout(60):
            while await self.state(card, leg) != state:
                await asyncio.sleep(0.05)

    async def speak_as_agent(self, stack: Stack, call_id: str, pcm: bytes) -> bytes:
        """An agent's headset joins the call on card 0 and says `pcm`; gives what it heard. Its ears come with it."""
        await self.ask("0", "open_leg", leg="headset")
        reader, writer = await asyncio.open_unix_connection(stack.card_socket(0))
        writer.write(encode({"do": "attach", "leg": "headset"}))
        await self.until_state("0", "headset", "connected")
        await self.ask("0", "join", leg=call_id, other="headset")
        await self.ask("0", "listen", leg="headset", of=call_id, speaker="agent")
        heard = b""
        for at in range(0, len(pcm), FRAME_BYTES):  # a headset sends a frame for each it gets: the card's clock
            writer.write(pcm[at : at + FRAME_BYTES])
            heard += await reader.readexactly(FRAME_BYTES)
        writer.close()
        return heard


@asynccontextmanager
async def hand_on(stack: Stack, *cards: int) -> AsyncIterator[Hand]:
    clients = {str(card): await CardClient.connect(stack.card_socket(card)) for card in cards}
    try:
        yield Hand(clients)
    finally:
        for client in clients.values():
            await client.close()
