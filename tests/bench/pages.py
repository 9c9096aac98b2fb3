"""Many open pages without a browser around them: each asks for what a page asks for, then listens.

`pages.py URL COOKIE COUNT`; once a line comes on standard input it prints what the pages were told, and ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from dataclasses import dataclass

from websockets.asyncio.client import connect


@dataclass
class Told:
    messages: int = 0
    records: int = 0
    last_seq: int = 0


def ask(url: str, cookie: str, path: str) -> dict:
    request = urllib.request.Request(url + path, headers={"Cookie": f"hotline_session={cookie}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def page(url: str, cookie: str, n: int, told: Told) -> None:
    calls = await asyncio.to_thread(ask, url, cookie, "/api/calls?state=open")
    await asyncio.to_thread(ask, url, cookie, "/api/calls?state=past")
    shown = calls["calls"][n % len(calls["calls"])]["call_id"]
    await asyncio.to_thread(ask, url, cookie, f"/api/calls/{shown}")
    live = f"ws{url.removeprefix('http')}/api/live?after={calls['seq']}&watch={shown}"
    async with connect(live, additional_headers={"Cookie": f"hotline_session={cookie}"}) as socket:
        async for text in socket:
            message = json.loads(text)
            told.messages += 1
            told.records += message["type"] == "record"
            told.last_seq = max(told.last_seq, message.get("seq", 0))


async def main(url: str, cookie: str, count: int) -> None:
    told = [Told() for _ in range(count)]
    began = time.monotonic()
    pages = [asyncio.create_task(page(url, cookie, n, one)) for n, one in enumerate(told)]
    await asyncio.to_thread(sys.stdin.readline)
    seconds = time.monotonic() - began
    newest = max(one.last_seq for one in told)
    async with asyncio.timeout(30):  # what is on its way still arrives
        while min(one.last_seq for one in told) < newest:
            await asyncio.sleep(0.1)
    for one in pages:
        one.cancel()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "messages": [one.messages for one in told],
                "records": [one.records for one in told],
                "last_seq": [min(one.last_seq, newest) for one in told],
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
