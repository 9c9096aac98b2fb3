"""Commands for the speech models: which there are, which one the ears use, how well it hears."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asr_models import catalogue
from asr_models.catalogue import ModelBroken
from asr_models.shelf import BUILT_IN
from hotline import cli_shelf
from hotline.cli_common import AsJson, fail, load, print_json

if TYPE_CHECKING:
    from asr_models.evaluation import Report

app = typer.Typer(no_args_is_help=True, help="The speech models the ears can use.")
app.add_typer(cli_shelf.app)


@app.command("eval")
def evaluate(
    folder: Annotated[
        Path, typer.Argument(help="Sound files, each with a .txt of the same name that says what is said.")
    ],
    model: Annotated[str, typer.Option(help="A name from 'models list', or a path; default: the one in use.")] = "",
    channel: Annotated[int | None, typer.Option(min=0, help="One channel only, 0 is left; default: all mixed.")] = None,
    telephone: Annotated[bool, typer.Option("--telephone", help="Hear them as over a telephone line.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many files, by name.")] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst files to show.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Hear recordings and compare with what is said in them: error rates, speed, the worst files."""
    from asr_models import evaluation  # loads vosk: only this command needs it here
    from asr_models.recogniser import load as load_model

    settings = load()
    path = catalogue.EMBEDDED if model == BUILT_IN else catalogue.find(model or settings.model, settings.models_dir)
    try:
        evaluation.find(folder, [])  # a wrong folder is told before a large model is loaded
        loaded = load_model(path)
        report = evaluation.evaluate(
            loaded, folder, channel=channel, telephone=telephone, limit=limit, tell=_tell_progress
        )
    except (evaluation.CannotEvaluate, ModelBroken) as error:
        fail(str(error), 1)
    if as_json:
        print_json(report.as_dict(worst))
    else:
        typer.echo(f"model       {loaded.name}, {loaded.rate_hz / 1000:g} kHz")
        _print_report(report, worst)
    if not report.heard:
        fail(f"{folder}: no file in it could be used", 1)


def _tell_progress(done: int, total: int) -> None:
    """A count on a terminal, a line every tenth elsewhere."""
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {total}" + "\n" * (done == total), err=True, nl=False)
    elif 10 * done // total != 10 * (done - 1) // total:
        typer.echo(f"{done} of {total}", err=True)


def _print_report(report: Report, worst: int) -> None:
    characters, factor = report.characters, report.real_time_factor
    typer.echo(f"files       {len(report.heard)}" + f", {len(report.skipped)} skipped" * bool(report.skipped))
    typer.echo(f"sound       {report.seconds:.1f} s" + (f", real-time factor {factor:.3f}" if factor else ""))
    typer.echo(
        f"characters  {characters.length}: {characters.substitutions} taken for others, "
        f"{characters.deletions} missed, {characters.insertions} made up"
    )
    typer.echo(f"CER         {_percent(characters.rate)}")
    typer.echo(f"pinyin ER   {_percent(report.syllables.rate)} (syllables without tones)")
    for one in report.worst(worst):
        typer.echo(f"\n{_percent(one.characters.rate):>8}  {one.file}")
        typer.echo(f"    said  {one.said}\n    heard {one.heard}")
    if report.skipped:
        typer.echo("\nskipped")
    for file, reason in report.skipped:
        typer.echo(f"  {file}: {reason}")


def _percent(rate: float | None) -> str:
    return "—" if rate is None else f"{100 * rate:.2f} %"
