"""Commands that look at what was kept: calls, their ledger, their tapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from asr_models import catalogue
from asr_models.sound import SoundUnreadable, channels
from hotline.app import open_database
from hotline.calls import queries
from hotline.cli_common import AsJson, database, fail, load, print_json
from hotline.clock import show as show_time
from hotline.drafts.overlay import value_of
from hotline.log import mask, mask_numbers
from hotline.orders import queries as orders
from hotline.records import ledger

app = typer.Typer()
records_app = typer.Typer(no_args_is_help=True, help="The ledger: append-only, hash-chained.")
db_app = typer.Typer(no_args_is_help=True, help="The database.")
app.add_typer(records_app, name="records")
app.add_typer(db_app, name="db")


@app.command()
def transcribe(
    file: Annotated[Path, typer.Argument(help="Any sound file; the two sides of a tape come apart.")],
    as_json: AsJson = False,
) -> None:
    """Write down what is said in a sound file, with times."""
    from asr_models.recogniser import load as load_model
    from asr_models.recogniser import transcribe_file  # loads vosk: only this command needs it here

    settings = load()
    try:
        sides = channels(file)
        model = load_model(catalogue.find(settings.model, settings.models_dir))
        said = [
            (channel, final)
            for channel in range(sides)
            for final in transcribe_file(file, model, channel=channel if sides > 1 else None)
        ]
    except (SoundUnreadable, catalogue.ModelBroken, OSError) as error:
        fail(str(error))
    said.sort(key=lambda one: one[1].start)
    if as_json:
        print_json(
            [
                {"channel": c, "start": f.start, "end": f.end, "text": f.text, "confidence": f.confidence}
                for c, f in said
            ]
        )
        return
    for channel, final in said:
        side = f"{('left', 'right')[channel]:6}" if sides == 2 else ""
        typer.echo(f"{final.start:7.1f} – {final.end:5.1f}  {side}{final.text}")


@app.command()
def calls(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20, as_json: AsJson = False
) -> None:
    """The calls that were taken, newest first."""
    settings = load()
    with database(settings) as db, db.read() as session:
        rows = []
        for row in queries.latest(session, limit):
            fields = orders.paperwork(session, row.call_id).fields
            rows.append(
                {
                    "call_id": row.call_id,
                    "answered_at": show_time(row.answered_at),
                    "seconds": row.seconds,
                    "state": row.state,
                    "caller": mask(row.caller) if row.caller else None,
                    "called": row.called,
                    "urgent": value_of(fields, "urgent"),
                    "title": mask_numbers(str(value_of(fields, "title") or "")) or None,
                }
            )
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo("no calls yet")
    for line in rows:
        seconds = f"{line['seconds']:6.1f} s" if line["seconds"] is not None else "       …"
        mark = "urgent" if line["urgent"] else "      "
        typer.echo(
            f"{line['call_id']}  {line['answered_at']}  {seconds}  {line['state']:9}  {line['caller'] or '—':13}"
            f"  {mark}  {line['title'] or ''}"
        )


@app.command()
def show(call_id: str, as_json: AsJson = False) -> None:
    """Everything the ledger holds of one call, to the second."""
    settings = load()
    with database(settings) as db, db.read() as session:
        rows = [
            {
                "seq": record.seq,
                "at": show_time(record.at),
                "actor": record.actor,
                "kind": record.kind,
                "payload": json.loads(record.payload) if record.payload else None,
            }
            for record in ledger.history(session, call_id)
        ]
    if not rows:
        fail(f"no call {call_id}: 'hotline calls' lists them", 1)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        payload = json.dumps(row["payload"], ensure_ascii=False) if row["payload"] else ""
        typer.echo(f"{row['at']}  {row['kind']:16}  {payload}")


@records_app.command()
def verify(as_json: AsJson = False) -> None:
    """Check the ledger from end to end; exit code 1 names the first bad row."""
    settings = load()
    with database(settings) as db, db.read() as session:
        verdict = ledger.verify(session)
    if as_json:
        print_json({"rows": verdict.rows, "first_bad_seq": verdict.first_bad_seq, "problem": verdict.problem})
    elif verdict.whole:
        typer.echo(f"{verdict.rows} rows, whole")
    else:
        typer.echo(f"row {verdict.first_bad_seq}: {verdict.problem} ({verdict.rows} rows before it are whole)")
    if not verdict.whole:
        raise typer.Exit(1)


@db_app.command()
def upgrade() -> None:
    """Bring the database to the shape this version expects."""
    settings = load()
    open_database(settings).close()
    typer.echo("the database is up to date")
