"""A publisher of models on loopback: a real list, real archives, and every trouble a server can make."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asr_models.catalogue import EMBEDDED

NAME = "vosk-model-small-cn-0.22"


@cache
def archive(top: str = NAME) -> bytes:
    """The embedded model, packed as the publisher packs his."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        for file in sorted(EMBEDDED.rglob("*")):
            zipped.write(file, f"{top}/{file.relative_to(EMBEDDED)}")
    return packed.getvalue()


class Publisher:
    """`troubles` come one a request, before all goes well: a status, or ("cut" | "stall", after so many bytes)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.entries: list[dict[str, object]] = []
        self.troubles: deque[int | tuple[str, int]] = deque()
        self.asked: list[str] = []  # the Range of each request for an archive
        self.proxied: list[str] = []
        self.knows_ranges = True
        self.tells_length = True
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    @property
    def list(self) -> str:
        return f"{self.address}/model-list.json"

    def offers(self, name: str, content: bytes, **other: object) -> None:
        """As the real list has it: numbers and words, booleans as words."""
        self.files[f"/{name}.zip"] = content
        self.entries.append(
            {
                "name": name,
                "lang": "cn",
                "lang_text": "Chinese",
                "md5": hashlib.md5(content).hexdigest(),
                "size": len(content),
                "size_text": f"{len(content) / 2**20:.1f}MiB",
                "type": "small",
                "url": f"{self.address}/{name}.zip",
                "version": "0.22",
                "obsolete": "false",
                **other,
            }
        )

    @contextmanager
    def serving(self) -> Iterator[Publisher]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self.go_on.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher._answer(self)

            def log_message(self, *_args: object) -> None:
                pass

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path
        if path.startswith("http:"):  # asked as a proxy
            self.proxied.append(path)
            path = "/" + path.split("/", 3)[3]
        if path == "/model-list.json" and path not in self.files:
            content = json.dumps(self.entries).encode()
        elif path in self.files:
            content = self.files[path]
        else:
            request.send_error(404)
            return
        trouble: int | tuple[str, int] = 0
        if path.endswith(".zip"):
            self.asked.append(request.headers.get("Range", ""))
            trouble = self.troubles.popleft() if self.troubles else 0
        if isinstance(trouble, int) and trouble:
            request.send_error(trouble)
            return
        self._send(request, content, trouble if isinstance(trouble, tuple) else None)

    def _send(self, request: BaseHTTPRequestHandler, content: bytes, trouble: tuple[str, int] | None) -> None:
        tag = f'"{hashlib.sha256(content).hexdigest()}"'
        begin = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if begin and self.knows_ranges and request.headers.get("If-Range", tag) == tag:
            first = int(begin[1])
            if first >= len(content):
                request.send_error(416)
                return
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            first = 0
            request.send_response(200)
        if self.tells_length:
            request.send_header("Content-Length", str(len(content) - first))
        if self.knows_ranges:
            request.send_header("ETag", tag)
        request.end_headers()
        what, after = trouble or ("", len(content))
        request.wfile.write(content[first : first + after])
        if what == "stall":
            self.stalled.set()
            self.go_on.wait(300)
