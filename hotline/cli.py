"""The command line: start the hotline, call it, look at what it kept. With --json standard output is JSON only."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from asr_models import voice
from asr_models.sound import SoundUnreadable, read_pcm
from hotline import calling, cli_accounts, cli_books, cli_drafts, cli_models, prompts
from hotline import doctor as doctors
from hotline import settings as configuration
from hotline.app import open_database
from hotline.cli_common import AsJson, database, fail, load, print_json
from hotline.drafts.draft import FIELDS
from hotline.running import AlreadyRunning, hotline, log_file
from hotline.settings import Settings
from hotline.supervisor import CannotStart
from ivr.citizen import CitizenFailed, Script

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
app.add_typer(cli_books.app)
app.add_typer(cli_drafts.app)
app.add_typer(cli_accounts.app, name="accounts")
app.add_typer(cli_models.app, name="models")

SAMPLE = "金牛区抚琴街道燃气泄漏，味道很大"


def main() -> None:
    os.umask(0o077)  # numbers, words and voices: for this user only
    app()


@app.command()
def run(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Every process's log on standard error.")] = False,
) -> None:
    """Start the hotline on this machine and keep it running (Ctrl-C stops it)."""
    settings = load()
    for problem in configuration.misspelt(os.environ):
        typer.echo(f"warning: {problem}", err=True)
    asyncio.run(_run(settings, verbose))


async def _run(settings: Settings, verbose: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    typer.echo("starting …")
    try:
        running = asyncio.create_task(_serve(settings, verbose))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            typer.echo("stopping …")
            running.cancel()
        await running
    except asyncio.CancelledError:
        return
    except (AlreadyRunning, CannotStart) as error:
        fail(str(error))


async def _serve(settings: Settings, verbose: bool) -> None:
    async with hotline(settings, log_to_file=not verbose) as supervisor:
        for line in await _welcome(settings, supervisor.children["desk"].failure):
            typer.echo(line)
        await asyncio.Event().wait()


async def _welcome(settings: Settings, desk_failure: str | None) -> list[str]:
    running = await doctors.cards(settings)
    command = _own_name()
    return [
        "",
        f"Hotline {settings.number} is up.",
        *(
            [
                f"  desk      none: {desk_failure}",
                "            calls are taken all the same; it is tried again every 30 s",
            ]
            if desk_failure
            else [
                f"  open      {settings.desk}   (the desk, in a browser)",
                f"  log in    {await asyncio.to_thread(cli_accounts.how_to_log_in, settings)}",
            ]
        ),
        *[f"  dial      sip:{settings.number}@{card['sip']}" for card in running],
        f'  simulate  {command} call --text "{SAMPLE}"',
        f"  look      {command} calls   ·   {command} show CALL_ID   ·   {command} doctor",
        f"  tapes     {settings.recordings_dir}",
        f"  log       {log_file(settings)}",
        "  stop      Ctrl-C",
        "",
    ]


def _own_name() -> str:
    """How this program was called, so that what is printed can be typed."""
    path = Path(sys.argv[0])
    if not path.is_absolute() and os.sep not in sys.argv[0]:
        return path.name
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Would this hotline take a call now? Exit code 0 exactly when it would."""
    settings = load()
    findings = asyncio.run(doctors.examine(settings))
    if as_json:
        print_json([{"part": f.part, "state": f.mark, "what": f.what, "mend": f.mend} for f in findings])
    else:
        for finding in findings:
            typer.echo(f"{finding.mark:8} {finding.part:13} {finding.what}")
            if not finding.ok and finding.mend:
                typer.echo(f"{'':22} → {finding.mend}")
    if any(finding.vital and not finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def call(
    text: Annotated[str, typer.Option(help="What the citizen says (Mandarin; spoken by a synthetic voice).")] = "",
    wav: Annotated[Path | None, typer.Option(help="A recording the citizen plays instead.")] = None,
    to: Annotated[str, typer.Option(help="sip: address to call; default: the hotline of this HOTLINE_VAR.")] = "",
    keys: Annotated[str, typer.Option(help="Keys the citizen presses after speaking.")] = "",
    keys_by: Annotated[str, typer.Option(help="rfc4733, info or inband.")] = "rfc4733",
    speaker: Annotated[str, typer.Option("--voice", help="Variant of the voice: f2, m3 …")] = voice.DEFAULT,
    barge_in: Annotated[bool, typer.Option(help="Speak at once instead of after the greeting.")] = False,
    linger: Annotated[float, typer.Option(min=0.0, max=3600.0, help="Seconds on the line after the last word.")] = 1.5,
    caller: Annotated[str, typer.Option(help="Number the citizen calls from.")] = "13800138000",
    hear: Annotated[Path | None, typer.Option(help="Write what the citizen heard to this WAV file.")] = None,
    as_json: AsJson = False,
) -> None:
    """A simulated citizen calls: real SIP, real sound. Prints what became of the call."""
    settings = load()
    _check_keys(keys, keys_by)
    if not re.fullmatch(r"\+?[0-9*#]{1,20}", caller):
        fail(f"--caller {caller}: a number has digits, and perhaps a + before them")
    if text and wav:
        fail("give --text or --wav, not both")
    if to and not to.startswith("sip:"):
        fail(f"--to {to}: an address looks like sip:12345@127.0.0.1:5060")
    target = to or _own_line(settings)
    script = Script(
        to=target,
        pcm=_sound(text, wav, speaker),
        keys=keys,
        keys_by=keys_by,
        polite=not barge_in,
        linger_seconds=linger,
        caller=caller,
        hear=str(hear) if hear else "",
    )
    ours = not to or _address(to) in {card["sip"] for card in asyncio.run(doctors.cards(settings))}
    tell = (lambda progress: None) if as_json else _teller(target)
    try:
        with database(settings) as db:
            outcome = asyncio.run(calling.call(settings, db, script, ours=ours, tell=tell))
    except CitizenFailed as error:
        fail(f"the simulated citizen could not call: {error}")
    if as_json:
        print_json(outcome.as_dict())
    else:
        _print_outcome(outcome)
    if outcome.result.status != 200 or outcome.broke or (ours and outcome.state != "closed"):
        raise typer.Exit(1)


def _teller(target: str) -> Callable[[calling.Progress], None]:
    typer.echo(f"calling {target} …")

    def tell(progress: calling.Progress) -> None:
        typer.echo(f"  {progress.what:9} {progress.text}")

    return tell


def _check_keys(keys: str, keys_by: str) -> None:
    if set(keys) - set("0123456789*#ABCD"):
        fail(f"--keys {keys}: a telephone has 0-9, *, # and A-D")
    if keys_by not in ("rfc4733", "info", "inband"):
        fail(f"--keys-by {keys_by}: rfc4733, info or inband")


def _own_line(settings: Settings) -> str:
    front = doctors.front_card(asyncio.run(doctors.cards(settings)))
    if front is None:
        fail(f"no hotline runs in {settings.var}: start it with 'make run', or name another with --to sip:…")
    return f"sip:{settings.number}@{front['sip']}"


def _address(uri: str) -> str:
    """host:port of a sip: URI, a name made a number."""
    host, _, port = uri.removeprefix("sip:").rpartition("@")[2].partition(";")[0].partition(":")
    with contextlib.suppress(OSError):
        host = socket.gethostbyname(host)
    return f"{host}:{port or 5060}"


def _sound(text: str, wav: Path | None, speaker: str) -> bytes:
    try:
        if wav is not None:
            return read_pcm(wav)
        return voice.speak(text, voice=speaker) if text else b""
    except (SoundUnreadable, voice.VoiceFailed) as error:
        fail(str(error))


def _print_outcome(outcome: calling.Outcome) -> None:
    result = outcome.result
    if result.status != 200:
        typer.echo(f"not answered: {result.status} {result.reason}")
        return
    typer.echo("")
    typer.echo(f"call       {outcome.call_id or 'unknown here'}")
    typer.echo(f"answered   in {result.answer_ms} ms, {result.seconds:.1f} s on the line")
    if outcome.call_id is None:
        return
    if outcome.broke:
        typer.echo(f"BROKEN     {outcome.broke}; what was taped until then was kept")
    typer.echo(f"words      {outcome.transcript or '(none)'}")
    for name, value in (outcome.draft or {}).items():
        if name in FIELDS and value is not None:
            typer.echo(f"  {name:13} {value}")
    if outcome.draft and outcome.draft["missing"]:
        typer.echo(f"  to ask for    {', '.join(outcome.draft['missing'])}")
    typer.echo(f"tape       {outcome.recording}")
    if outcome.state != "closed":
        typer.echo(f"the call is not closed yet ({outcome.state}): hotline show {outcome.call_id} tells why")


@app.command()
def demo(
    as_json: AsJson = False,
    watch: Annotated[bool, typer.Option("--watch", help="Wait for you to open the desk in a browser.")] = False,
) -> None:
    """Start a hotline of its own and tell one call as a story; what it kept stays in HOTLINE_VAR."""
    from hotline import demo as story  # the story needs every part; other commands need not wait for it

    settings = load()
    settings = settings.model_copy(update={"sip_port": 0, "desk_port": 0})
    if watch and (as_json or not sys.stdin.isatty()):
        fail("--watch waits for a key: it needs a terminal, and no --json")
    tell = (lambda _: None) if as_json else typer.echo
    try:
        timeline, told = asyncio.run(story.demo(settings, tell, _until_enter if watch else None))
    except (AlreadyRunning, CannotStart, CitizenFailed, voice.VoiceFailed) as error:
        fail(str(error))
    if as_json:
        print_json(timeline)
    if not told:
        fail("the story did not end as it should: see the timeline", 1)


async def _until_enter(said: str) -> None:
    typer.echo(said)
    pressed, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(sys.stdin, pressed.set)
    try:
        await pressed.wait()
        sys.stdin.readline()
    finally:
        loop.remove_reader(sys.stdin)


@app.command()
def setup() -> None:
    """Synthesise the prompts and make the database ready (make setup does this)."""
    settings = load()
    open_database(settings).close()
    try:
        typer.echo(f"greeting  {prompts.make(settings)}")
    except voice.VoiceFailed as error:
        fail(str(error))


if __name__ == "__main__":
    main()
