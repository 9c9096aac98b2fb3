"""Carries the browser part to the browser, and guards what comes in and goes out."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent_desk import problems

BUILT = Path(__file__).parent / "static"
BODY_BYTES = 64 * 1024
"""No request to this desk has more to say."""

_HEADERS = [
    (
        b"content-security-policy",
        # Element Plus and the waveform set styles of their own; scripts come from our files only
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; "
        b"form-action 'self'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
]


class Guard:
    """Around every request: headers that tell the browser what to refuse; an end to endless bodies and to faults."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = list(message["headers"])
                if scope["path"].startswith("/api/"):
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = headers + _HEADERS
            await send(message)

        left = BODY_BYTES
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_BYTES:
            await problems.answer(413, "too-long", "请求内容过长")(scope, receive, guarded)
            return

        async def measured() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:  # sent in pieces, without a length
                raise HTTPException(413)
            return message

        try:
            await self._app(scope, measured, guarded)
        except Exception as error:
            answer = problems.fault(error, scope["path"])
            if begun:
                raise  # half an answer is out: only breaking it off tells that it is none
            await answer(scope, receive, guarded)


def install(app: FastAPI) -> None:
    """The pages under every path that is not the API's; their addresses are the browser part's own business."""
    router = APIRouter(include_in_schema=False)
    app.mount("/assets", StaticFiles(directory=BUILT / "assets", check_dir=False))

    @router.api_route("/api/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def no_such_thing(path: str) -> Response:
        return problems.answer(404, "no-such-thing", "没有这个地址")

    @router.get("/favicon.svg")
    def favicon() -> Response:
        path = BUILT / "favicon.svg"
        return FileResponse(path) if path.is_file() else problems.answer(404)

    @router.get("/{path:path}")
    def page(path: str) -> Response:
        index = BUILT / "index.html"
        if not index.is_file():
            return HTMLResponse("<p>The desk's pages are not built: run <code>make setup</code>.</p>", 503)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    app.include_router(router)
    app.add_middleware(Guard)
