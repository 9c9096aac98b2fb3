"""Commands for drafts: what the hotline makes of words, how right it is, how much of it agents keep."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from hotline.cli_common import AsJson, database, fail, load, print_json
from hotline.clock import SHANGHAI

app = typer.Typer()
drafts_app = typer.Typer(no_args_is_help=True, help="Drafts of work orders: train, judge, report.")
app.add_typer(drafts_app, name="drafts")

_SHOWN = (
    "category",
    "topic",
    "district",
    "street",
    "department",
    "urgent",
    "urgent_class",
    "handover",
    "phone",
    "address",
    "title",
    "content",
)
"""The keys of one line of JSON, before the lesser fields."""


@app.command("draft")
def make(
    file: Annotated[
        Path | None, typer.Argument(help="JSON lines, the words of a call under 'text'; - is standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", "-t", help="The words of one call.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the hotline makes of a caller's words: one JSON object a line."""
    if (file is None) == (text is None):
        fail("give either --text or a file of JSON lines (- for standard input)")
    for said in [text] if text is not None else _texts(file):
        typer.echo(json.dumps(_drafted(said), ensure_ascii=False))


def _texts(file: Path | None) -> Iterator[str]:
    for number, row in _rows(file):
        if _has_text(number, row):
            yield row["text"]


def _rows(file: Path | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's number and object; blank lines are passed over."""
    try:
        lines = sys.stdin if file is None or str(file) == "-" else file.open(encoding="utf-8-sig")
        with lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    fail(f"line {number}: no JSON ({error})")
                if not isinstance(row, dict):
                    fail(f"line {number}: no object, but {type(row).__name__}")
                yield number, row
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: {error}")


def _drafted(text: str) -> dict[str, Any]:
    from hotline.clock import now
    from hotline.drafts.draft import Spoken, draft
    from hotline.drafts.packing import NotTrained
    from hotline.drafts.service import flat

    try:
        made = flat(draft([Spoken("caller", 0.0, 0.0, text)], now()).as_dict())
    except NotTrained as error:
        fail(str(error))
    return {**{name: made.pop(name) for name in _SHOWN}, **made}


@drafts_app.command("eval")
def evaluate(
    file: Annotated[
        Path, typer.Argument(help="JSON lines: text, and what is right: category, district, department, urgent …")
    ],
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Compare drafts with labelled utterances: accuracy per field, confusions, the worst."""
    from hotline.drafts import evaluation
    from hotline.drafts.packing import NotTrained

    rows = [row for number, row in _rows(file) if _has_text(number, row)]
    try:
        report = evaluation.evaluate(rows)
    except NotTrained as error:
        fail(str(error))
    if as_json:
        print_json(report.as_dict(worst))
        return
    typer.echo(f"rows        {report.rows}, in doubt {report.doubts}")
    for name, (right, of) in report.rates().items():
        typer.echo(f"{name:27} {right:5} of {of:5}  {f'{right / of:7.2%}' if of else '—':>7}")
    typer.echo("\nconfused (should be → is)")
    for (name, should, was), times in report.confused.most_common(15):
        typer.echo(f"{times:4}  {name}: {should} → {was}")
    for one in report.worst(worst):
        typer.echo("\n" + "; ".join(f"{name}: {a} → {b}" for name, (a, b) in one.wrong.items()) + f"\n  {one.text}")


def _has_text(number: int, row: dict[str, Any]) -> bool:
    if not isinstance(row.get("text"), str):
        fail(f'line {number}: no "text" with the words of a call')
    return True


@drafts_app.command()
def train() -> None:
    """Train the classifiers on the corpus; a part of the build ('make setup')."""
    try:
        from hotline.drafts import training
    except ImportError as error:
        fail(f"training needs scikit-learn, a package of the development group ({error}): 'make setup' installs it")
    from hotline.drafts import judge, lexicon, mishearing

    lexicon.build().save()
    mishearing.save_sounds()
    trained = training.train()
    judge.save(trained)
    matter, manner = len(trained.matter.known), len(trained.manner.known)
    typer.echo(f"{judge.TRAINED.name}: {matter} features of the matter, {manner} of the manner")


@drafts_app.command()
def report(
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Orders accepted from this day on, in Shanghai.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How much of the drafts agents kept: adoption per field over accepted orders, and how long an order took them."""
    from hotline.orders import queries
    from hotline.orders.report import report as counted

    settings = load()
    with database(settings) as db, db.read() as session:
        found = counted(queries.accepted(session, since.replace(tzinfo=SHANGHAI) if since else None))
    if as_json:
        print_json(found.as_dict())
        return
    after, since_answer = (_seconds(one) for one in (found.after_call_seconds, found.since_answer_seconds))
    typer.echo(f"orders {found.orders}; from the call's end {after}, from its answer {since_answer} (medians)\n")
    typer.echo(f"{'field':14}{'kept':>7}{'changed':>9}{'filled':>8}{'cleared':>9}  adoption")
    for name, one in {**found.fields, "total": found.total}.items():
        rate = "—" if one.rate is None else f"{one.kept}/{one.of} {one.rate:.1%}"
        typer.echo(f"{name:14}{one.kept:7}{one.changed:9}{one.filled:8}{one.cleared:9}  {rate}")


def _seconds(median: float | None) -> str:
    return "—" if median is None else f"{median:.0f} s"
