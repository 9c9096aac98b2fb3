"""A browser as people at the desk have it: Debian's Chromium, driven by Playwright; its console must stay clean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import debian
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from stack import PATIENCE_SECONDS, Stack

CHROMIUM = "/usr/bin/chromium"
_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # nothing but the desk is asked for anything
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PASSWORD = "Kuan-Zhai-2026"
"""What the first administrator of a test's hotline chooses."""


def install() -> None:
    """Chromium and a font with Chinese characters, from Debian, where they are missing."""
    if not (Path(CHROMIUM).exists() and _FONT.exists()):
        debian.install("chromium", "fonts-noto-cjk")


@contextmanager
def chromium() -> Iterator[Browser]:
    install()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser; whatever the console complains of is kept."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def arrive(cls, browser: Browser, base_url: str, **context: object) -> Visitor:
        options = {"viewport": {"width": 1366, "height": 768}, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
        made = browser.new_context(base_url=base_url, **{**options, **context})  # type: ignore[arg-type]
        made.set_default_timeout(PATIENCE_SECONDS * 1000)
        visitor = cls(made, made.new_page())
        visitor.page.on("console", visitor._hear)
        visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        return visitor

    def _hear(self, message: object) -> None:
        if getattr(message, "type", "") in ("error", "warning"):
            self.complaints.append(getattr(message, "text", ""))

    def log_in(self, name: str, password: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("用户名").fill(name)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.page.get_by_role("button", name="登录").click()

    def choose_password(self, password: str) -> None:
        self.page.get_by_label("新密码").fill(password)
        self.page.get_by_label("再输一次").fill(password)
        self.page.get_by_role("button", name="保存").click()

    def log_in_first(self, stack: Stack) -> None:
        """As the first administrator, with the one-time password that `hotline run` printed."""
        self.log_in("admin", one_time_password(stack))
        self.choose_password(PASSWORD)
        self.page.wait_for_url("**/calls")

    def until_live(self) -> None:
        self.page.locator('[data-standing="live"]').wait_for()

    def leave(self) -> None:
        self.context.close()


def one_time_password(stack: Stack) -> str:
    found = re.search(r"one-time password (\S+)", stack.said)
    assert found is not None, stack.said
    return found[1]
