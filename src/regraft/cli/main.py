"""Turns a command line into a verb's result and an exit code: `regraft VERB …`."""

import io
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from regraft import __version__
from regraft.cli.adapt import adapt
from regraft.cli.cache import cache
from regraft.cli.compare import compare
from regraft.cli.evaluate import evaluate
from regraft.cli.fit import fit
from regraft.cli.list import list_names
from regraft.cli.plan import plan
from regraft.cli.predict import predict
from regraft.cli.report import report
from regraft.cli.resume import resume
from regraft.cli.shift import shift
from regraft.cli.show_config import show_config
from regraft.cli.verify import verify
from regraft.errors import RegraftError
from regraft.runs.choosing import clock

EXIT_CODES = """Exit codes: 0 done · 1 a bug in regraft · 2 you can mend it (arguments, data, \
settings) · 3 the world failed (network, disk, damaged file, unreadable rows) · \
4 a proof or guard said no · 130 stopped by you"""

VERBS: dict[str, Callable[..., int]] = {
    "fit": fit,
    "resume": resume,
    "predict": predict,
    "evaluate": evaluate,
    "plan": plan,
    "compare": compare,
    "adapt": adapt,
    "shift": shift,
    "verify": verify,
    "report": report,
    "list": list_names,
    "cache": cache,
    "show-config": show_config,
}


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"regraft {__version__}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Fine-tune as little of a pretrained network as serves, and prove what was frozen."""


def _app() -> typer.Typer:
    app = typer.Typer(
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(epilog=EXIT_CODES)(_start)
    for name, verb in VERBS.items():
        app.command(name)(verb)
    return app


def _survive_any_text() -> None:
    # A terminal of another encoding must not turn a name from the data into a crash.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stop(*_: object) -> None:
    """Ends as Ctrl+C does, with the words on how to go on: what comes before a kill."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code of a command line; no error leaves this function.

    Args:
        arguments: What was typed after `regraft`; None = the process's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    clock.COMMANDED.set(clock.IMPORTED if arguments is None else time.monotonic())
    if arguments is None:
        signal.signal(signal.SIGTERM, _stop)
    as_json = "--json" in words
    _survive_any_text()
    from regraft.cli import faults

    try:
        faults.check_verb(words, list(VERBS))
        code = int(_app()(args=words, prog_name="regraft", standalone_mode=False) or 0)
        # Newer typer turns Ctrl+C into this code and says nothing.
        return faults.tell_stopped(as_json=as_json) if code == faults.STOPPED else code
    except (KeyboardInterrupt, typer.Abort):
        return faults.tell_stopped(as_json=as_json)
    except RegraftError as error:
        return faults.tell(error, as_json=as_json)
    except Exception as error:
        told = faults.usage_error(error) or faults.system_error(error) or faults.memory_error(error)
        return (
            faults.tell(told, as_json=as_json) if told else faults.tell_bug(error, as_json=as_json)
        )
