"""Makes one sentence and an exit code from everything that can go wrong."""

import errno
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from regraft.cli.printing import write_json, write_words
from regraft.errors import RegraftError, SettingsError, StorageError, nearest

UNREADABLE_ROWS = 3
"""Exit code where all was done but for rows that could not be read."""
STOPPED = 130
REFUSALS = frozenset(
    getattr(errno, name)
    for name in (
        *("ENAMETOOLONG", "ENOTDIR", "EISDIR", "ELOOP", "EACCES", "EPERM", "EROFS"),
        *("ENOSPC", "EDQUOT", "EIO", "EMFILE", "ENFILE"),
    )
    if hasattr(errno, name)
)
"""What a system says of a path, a permission or a disk."""
FREE_FLAGS = ("--help", "-h", "--version", "--install-completion", "--show-completion")
PART_FLAGS = ("--train", "--val", "--valid", "--validation", "--dev", "--test")
OF_PARTS = "a folder with train.csv and test.csv, or --split COLUMN"


def check_verb(words: Sequence[str], verbs: Sequence[str]) -> None:
    """Does nothing where a command line begins with a verb or a flag that needs none.

    Args:
        words: What was typed after `regraft`.
        verbs: All verbs.

    Raises:
        SettingsError: If a flag stands before the verb, or the verb is unknown.
    """
    first = words[0].partition("=")[0]
    if first.startswith("-") and first not in FREE_FLAGS:
        raise _early_flag(first, next((word for word in words if word in verbs), ""))
    if not first.startswith("-") and first not in verbs:
        near = nearest(first, verbs)
        listed = ", ".join(verbs)
        raise SettingsError(f"{first!r} is not a verb", expected=f"one of {listed}", hint=near)


def _early_flag(flag: str, verb: str) -> SettingsError:
    near = _nearest_flag(flag, FREE_FLAGS)
    if near and not verb:
        return SettingsError(f"{flag} is not a flag of regraft", hint=f"regraft {near}")
    hint = f"regraft {verb or 'VERB'} DATA {flag}"
    return SettingsError(f"{flag} stands before the verb", expected="the verb first", hint=hint)


def _nearest_flag(flag: str, flags: Sequence[str], *, likeness: float = 0.5) -> str:
    # Without the dashes, which are alike in all of them and would make any two near.
    long = {known.lstrip("-"): known for known in flags if known.startswith("--")}
    return long.get(nearest(flag.lstrip("-"), long, likeness=likeness), "")


def usage_error(error: Exception) -> SettingsError | None:
    """Returns typer's complaint about flags in our words, or None for any other error.

    Args:
        error: That left typer.
    """
    # Told by its shape: typer carries its own copy of click since 0.26, and none is public.
    if not callable(getattr(error, "format_message", None)):
        return None
    context: Any = getattr(error, "ctx", None)
    verb = context.command_path if context else "regraft"
    option = getattr(error, "option_name", None)
    if option and type(error).__name__ == "NoSuchOption":
        return _no_such_flag(option, context)
    return SettingsError(str(error.format_message()).rstrip("."), hint=f"{verb} --help")  # type: ignore[attr-defined]


def _no_such_flag(flag: str, context: Any) -> SettingsError:
    """Returns the error for a flag that a verb lacks, with the verbs that have it."""
    verb, known = context.command_path, _flags_of(context.command)
    places = {f"--{each.name}": each.metavar or "" for each in _arguments_of(context.command)}
    if flag in places:
        hint = f"{verb} {' '.join(places.values())}"
        return SettingsError(f"{flag} is not a flag of {verb}, it stands alone", hint=hint)
    verbs = getattr(context.parent and context.parent.command, "commands", {})
    others = [name for name, command in verbs.items() if flag in _flags_of(command)]
    if not others and flag in PART_FLAGS and "--split" in known:
        return SettingsError(f"{flag} is not a flag of {verb}", hint=OF_PARTS)
    if not others:
        near = _nearest_flag(flag, known)
        return SettingsError(f"{flag} is not a flag of {verb}", hint=near or f"{verb} --help")
    # A flag that is spelled right is seldom meant for one that is but a little like it.
    near = _nearest_flag(flag, known, likeness=0.75)
    given = f"{flag} is not a flag of {verb}, but of {', '.join(others)}"
    return SettingsError(given, hint=near or f"{verb} --help")


def _flags_of(command: Any) -> list[str]:
    return [
        flag
        for parameter in command.params
        for flag in (*parameter.opts, *getattr(parameter, "secondary_opts", ()))
    ]


def _arguments_of(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "argument"]


def system_error(error: Exception) -> StorageError | None:
    """Returns what the system said of a path that was typed, or None for any other error.

    Args:
        error: That no verb expected. A file that is missing is a bug: verbs look for those.
    """
    if not isinstance(error, OSError) or not error.filename or error.errno not in REFUSALS:
        return None
    return StorageError(f"{error.filename} cannot be used ({error.strerror})")


def memory_error(error: Exception) -> SettingsError | None:
    """Returns what to do where a device's memory is too small, or None for any other error.

    Args:
        error: That no verb expected.
    """
    if "torch" not in sys.modules:
        return None
    from regraft.machine import out_of_memory

    if not out_of_memory(error):
        return None
    return SettingsError(
        "the memory of the device is too small for this run",
        hint="more blocks in --freeze, a smaller --max-length, --image-size or --batch-size, "
        "or --device cpu",
    )


def tell(error: RegraftError, *, as_json: bool) -> int:
    """Writes an error of our tree as one sentence or one document; returns its code."""
    if as_json:
        write_json({"error": _document(error)})
    else:
        write_words([f"error: {error}"])
    return error.exit_code


def _document(error: RegraftError) -> Mapping[str, Any]:
    return {
        "type": type(error).__name__,
        "message": str(error),
        "given": error.given,
        "expected": error.expected,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


def tell_stopped(*, as_json: bool) -> int:
    """Writes that the user stopped the program; returns its code."""
    if as_json:
        write_json({"error": {"type": "StoppedError", "message": "stopped", "exit_code": STOPPED}})
    else:
        write_words(["stopped"])
    return STOPPED


def tell_bug(error: Exception, *, as_json: bool) -> int:
    """Writes that we have a bug and where its traceback is kept; returns code 1."""
    log = _write_log(error)
    summary = f"{type(error).__name__}: {error}".splitlines()[0]
    sentence = f"this is a bug in regraft ({summary}); the traceback is in {log}"
    if as_json:
        write_json({"error": {"type": "Bug", "message": sentence, "log": str(log), "exit_code": 1}})
    else:
        write_words([f"error: {sentence}"])
    return 1


def _write_log(error: Exception) -> Path:
    import tempfile

    from platformdirs import user_log_path

    name = f"bug-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    text = f"regraft {' '.join(sys.argv[1:])}\n{''.join(traceback.format_exception(error))}"
    for folder in (user_log_path("regraft"), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", errors="replace")
            return folder / name
        except OSError:
            continue
    return Path("no file, as none could be written")
