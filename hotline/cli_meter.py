"""How far something long is, on standard error: a bar on a terminal, a line every tenth elsewhere."""

from __future__ import annotations

import sys
import time

import typer

_BAR = 30


class Meter:
    """Bytes done, of what is being done at the moment. Numbers are megabytes as disks and networks count them."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._doing = ""
        self._shown = -1
        self._began = (0.0, 0)

    def progress(self, doing: str, done: int, total: int) -> None:
        if doing != self._doing:
            self.end()
            self._doing, self._shown, self._began = doing, -1, (time.monotonic(), done)
        percent = 100 * done // total if total else 100
        if percent // (1 if self._terminal else 10) == self._shown:
            return
        self._shown = percent // (1 if self._terminal else 10)
        line = f"{doing} {percent:3} %  {done / 1e6:,.0f} of {total / 1e6:,.0f} MB{self._left(done, total)}"
        if self._terminal:
            bar = "#" * (_BAR * percent // 100)
            typer.echo(f"\r[{bar:.<{_BAR}}] {line}\x1b[K", err=True, nl=False)
        else:
            typer.echo(line, err=True)

    def say(self, line: str) -> None:
        self.end()
        typer.echo(line, err=True)

    def end(self) -> None:
        """What comes next on the terminal begins on a line of its own."""
        if self._terminal and self._doing:
            typer.echo("", err=True)
        self._doing = ""

    def _left(self, done: int, total: int) -> str:
        began, had = self._began
        seconds = time.monotonic() - began
        if seconds < 1 or done <= had:
            return ""
        speed = (done - had) / seconds
        minutes, rest = divmod(round((total - done) / speed), 60)
        return f", {speed / 1e6:.1f} MB/s, {minutes}:{rest:02} left"
