"""Commands that install speech models, and choose which one the ears use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from asr_models import adapting, catalogue, installing, publisher, shelf
from asr_models.catalogue import ModelBroken
from asr_models.downloading import DownloadFailed, Part
from asr_models.publisher import LICENCES, ListUnreadable, NotOffered, Published
from asr_models.shelf import BUILT_IN
from asr_models.trial import TrialFailed
from hotline.cli_common import AsJson, fail, load, print_json
from hotline.cli_meter import Meter
from hotline.clock import now, shanghai
from hotline.settings import Settings

_EMBEDDED_LICENCE = "CC BY-SA"
_TAKEN_UP = "running ears take it within seconds, each call at its next pause"
_FAILURES = (ListUnreadable, NotOffered, DownloadFailed, installing.CannotInstall, adapting.CannotAdapt,
             ModelBroken, TrialFailed, shelf.NotOnTheShelf, shelf.Kept)  # fmt: skip

app = typer.Typer()


@contextmanager
def _telling() -> Iterator[Meter]:
    """Whatever goes wrong, the model in use stays; the message says what to do."""
    meter = Meter()
    try:
        yield meter
        meter.end()
    except _FAILURES as error:
        meter.end()
        fail(str(error), 1)
    except OSError as error:
        meter.end()
        fail(f"{error}: nothing was changed; mend the disk or the folder's rights, then try again", 1)
    except KeyboardInterrupt:
        meter.end()
        fail("interrupted: nothing was changed; the same command goes on from here", 130)


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Every model: embedded, installed, and what the publisher has for Chinese."""
    settings = load()
    rows = _here(settings)
    problem = None
    try:
        offered = publisher.read_list(settings.model_list)
    except ListUnreadable as error:
        problem = str(error)
        offered = []
    names = {row["name"] for row in rows}
    rows += [
        _row(one.name, *_state(settings, one), bytes=one.size)
        for one in offered
        if one.hears_chinese and not one.obsolete and one.name not in names
    ]
    if problem:
        rows += [_row(name, "known") for name in LICENCES if name not in names]
    if as_json:
        print_json({"models": rows, "list": {"address": settings.model_list, "problem": problem}})
        return
    for row in rows:
        size = f"{row['bytes'] / 1e6:,.0f} MB" if row["bytes"] is not None else "?"
        state = row["state"] + (f": {row['problem']}" if row["problem"] else "")
        mark = "*" if row["in_use"] else " "
        typer.echo(f"{mark} {row['name']:34} {size:>9}  {row['licence'] or '?':12} {state}")
    typer.echo("* in use")
    if problem:
        typer.echo(f"{problem}: the names above without a size are known to exist; install one from a file", err=True)


@app.command()
def install(
    name: Annotated[str, typer.Argument(help="A name from 'models list', or the path of a .zip or a folder.")],
    md5: Annotated[str, typer.Option(help="What the checksum of a .zip given by its path must be.")] = "",
) -> None:
    """Download a model, or take it from a file or a folder. It is used once you say 'use'."""
    settings = load()
    with _telling() as meter:
        if "/" in name or name.endswith(".zip") or Path(name).is_file():
            done = installing.install_from(settings.models_dir, Path(name), md5, meter)
            if not md5:
                meter.say(f"no checksum was given: whether {name} is what its publisher made, nobody has checked")
        else:
            if md5:
                fail("--md5 is for a file; what is downloaded is checked by the publisher's list")
            done = name
            if not installing.install(settings.models_dir, _offered(settings, name), meter):
                meter.say(f"{name} is installed already")
    typer.echo(f"{done} is installed; to use it: hotline models use {done}")


@app.command()
def use(
    name: Annotated[str, typer.Argument(help="An installed model, or embedded; - is the one before.")] = "",
    back: Annotated[bool, typer.Option("--back", help="The one that was in use before this one.")] = False,
) -> None:
    """Load a model once to see whether it can be used, and use it from now on."""
    settings = load()
    back = back or name == "-"
    if not back and not name:
        fail("give the name of an installed model ('hotline models list' shows them), or --back")
    with _telling() as meter:
        if back:
            name, changed = shelf.use_the_one_before(settings.models_dir, meter), True
        else:
            changed = shelf.use(settings.models_dir, name, meter)
    typer.echo(f"{name} is in use" + (f": {_TAKEN_UP}" if changed else " already"))
    _warn_of_setting(settings)


@app.command()
def adapt(
    words: Annotated[
        Path, typer.Option(help="A list, one word a line; pinyin after it where a guess would be wrong: 犀浦 xi1 pu3")
    ],
    just_build: Annotated[bool, typer.Option("--no-use", help="Build it, and go on with the one in use.")] = False,
) -> None:
    """Teach the model in use new words: streets, companies, whatever callers say here."""
    settings = load()
    models = settings.models_dir
    with _telling() as meter:
        name = adapting.adapt(
            models, lambda: catalogue.find(settings.model, models), words, lambda: shanghai(now()), meter,
            use=not just_build,
        )  # fmt: skip
        others = [path.name for path in shelf.installed(models) if path.name.startswith(adapting.PREFIX)]
        others.remove(name)
        if len(others) > 1:
            meter.say(f"also kept: {', '.join(others)} (hotline models remove NAME deletes what nobody needs)")
    if just_build:
        typer.echo(f"{name} is installed; to use it: hotline models use {name}")
    else:
        typer.echo(f"{name} is in use: {_TAKEN_UP} (hotline models use - undoes)")
        _warn_of_setting(settings)


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="An installed model, or one whose download was begun.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete an installed model that is not in use."""
    settings = load()
    if not yes:
        typer.confirm(f"Delete {name}?", abort=True, err=True)
    with _telling() as meter:
        shelf.remove(settings.models_dir, name, lambda path: _is_in_use(settings, path), meter)
    typer.echo(f"{name} is deleted")


def _warn_of_setting(settings: Settings) -> None:
    if settings.model:
        typer.echo(f"warning: HOTLINE_MODEL={settings.model} goes before it; unset that", err=True)


def _offered(settings: Settings, name: str) -> Published:
    try:
        return publisher.pick(publisher.read_list(settings.model_list), name)
    except ListUnreadable as error:
        fail(
            f"{error}. Look after the network (a proxy is set as HTTPS_PROXY) or HOTLINE_MODEL_LIST; "
            "or carry the model here and install it by its path",
            1,
        )


def _here(settings: Settings) -> list[dict[str, Any]]:
    """The models of this machine; the one in use among them, wherever it lies."""
    paths = [catalogue.EMBEDDED, *shelf.installed(settings.models_dir)]
    if not any(_is_in_use(settings, path) for path in paths):
        paths.append(catalogue.find(settings.model, settings.models_dir))
    rows = []
    for path in paths:
        name = path.name if path.parent in (settings.models_dir, catalogue.EMBEDDED.parent) else str(path)
        if path == settings.models_dir / catalogue.CURRENT:
            name = shelf.in_use(settings.models_dir)
        state, problem = "embedded" if path == catalogue.EMBEDDED else "installed", None
        try:
            catalogue.check(path)
        except ModelBroken as broken:
            state, problem = "broken", broken.what
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        rows.append(_row(name, state, problem, in_use=_is_in_use(settings, path), bytes=size))
    return rows


def _state(settings: Settings, offered: Published) -> tuple[str, str | None]:
    begun = Part(settings.models_dir / shelf.WORKSHOP, offered).bytes
    return ("begun", f"{begun / 1e6:,.0f} MB are here") if begun else ("offered", None)


def _row(name: str, state: str, problem: str | None = None, **more: Any) -> dict[str, Any]:
    licence = _EMBEDDED_LICENCE if name == BUILT_IN or name.startswith(adapting.PREFIX) else LICENCES.get(name)
    return {"name": name, "state": state, "in_use": False, "bytes": None, "licence": licence, "problem": problem} | more


def _is_in_use(settings: Settings, path: Path) -> bool:
    return catalogue.real(catalogue.find(settings.model, settings.models_dir)) == catalogue.real(path)
