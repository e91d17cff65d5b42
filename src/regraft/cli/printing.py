"""Makes lines on standard output from results: tables, JSON documents, predictions."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regraft.cli.written import binary_columns, content, plain
from regraft.errors import StorageError, counted, harmless
from regraft.training.progress import put_line, silence

if TYPE_CHECKING:
    import pyarrow as pa


def write_out(text: str | bytes) -> None:
    """Writes to standard output; a reader that has gone away is no fault of ours.

    Args:
        text: Words, or the bytes of a file, which no encoding of a terminal may change.

    Raises:
        StorageError: If the disk behind it says no.
    """
    try:
        _put(text)
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as error:
        silence(sys.stdout)
        raise StorageError(f"standard output cannot be written ({error.strerror})") from None


def _put(text: str | bytes) -> None:
    sys.stdout.flush()
    if isinstance(text, str):
        sys.stdout.write(text)
    elif hasattr(sys.stdout, "buffer") and not sys.stdout.isatty():
        sys.stdout.buffer.write(text)
    else:
        sys.stdout.write(text.decode("utf-8"))
    sys.stdout.flush()


def write_words(sentences: Sequence[str]) -> None:
    """Writes sentences to standard error, one a line; empty ones are left out."""
    for sentence in filter(None, sentences):
        put_line(sys.stderr, sentence)


def write_json(document: object) -> None:
    """Writes exactly one JSON document; numbers that JSON lacks become null."""
    write_out(json_text(document))


def json_text(document: object) -> str:
    """Returns JSON in ASCII, which every terminal and every file can hold."""
    return json.dumps(plain(document), allow_nan=False, indent=2) + "\n"


def write_table(
    headers: Sequence[str], lines: Sequence[Sequence[str]], *, strong: int = -1
) -> None:
    """Writes a table, as wide as it needs to be unless a terminal is narrower.

    Args:
        headers: Names of the columns.
        lines: Cells of each line.
        strong: Number of the line to print in bold, or -1.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, header in enumerate(headers):
        # What stands first is what is typed next: it is never cut.
        table.add_column(Text(header), no_wrap=number == 0, overflow="fold")
    for number, line in enumerate(lines):
        style = "bold" if number == strong else ""
        table.add_row(*(Text(harmless(cell)) for cell in line), style=style)
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 1000)
    with console.capture() as captured:
        console.print(table)
    write_out("\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n")


def write_result(
    result: Mapping[str, Any], *, as_json: bool, quiet: bool, fitted: bool = True
) -> None:
    """Writes the result of `fit` or `evaluate`: the table with baselines, then words.

    Args:
        result: The document.
        as_json: Whether it is written as it is.
        quiet: Whether the words are left out.
        fitted: Whether `fit` made it; the baselines in a document of `evaluate` are scores
            on the test rows of the run, which are no match for other rows.
    """
    if as_json:
        return write_json(result)
    from regraft.reports.table import HEADERS, entries

    shown = result if fitted else {**result, "baselines": {}}
    lines = [entry.cells for entry in entries(shown)]
    write_table(HEADERS, lines, strong=len(lines) - 1 if len(lines) > 1 else -1)
    if fitted and not quiet:
        write_words(["", *closing_words(result)])
    return None


def closing_words(result: Mapping[str, Any]) -> list[str]:
    """Returns what is said after the table of a run: faults, leaks, gains, what to type next."""
    gain = (result.get("gain") or {}).get("sentence", "")
    control = (result.get("control") or {}).get("sentence", "")
    chosen = (result.get("auto") or {}).get("sentence", "")
    run = result.get("run")
    report = f"Report: {Path(str(run)) / 'report.html'}" if run else ""
    commands = [f"  {command}" for command in result.get("next") or []]
    verdict = result.get("verdict") or ""
    return [
        *_grave(result),
        chosen,
        gain,
        verdict,
        _saving(result),
        control,
        report,
        *(["Next:", *commands] if commands else []),
    ]


def _grave(result: Mapping[str, Any]) -> list[str]:
    """Returns the warnings without which the result would be taken for better than it is."""
    from regraft.data.rows import TOO_GOOD
    from regraft.freezing.verify import UNPROVED

    found = [each for each in result.get("warnings") or [] if UNPROVED in each or TOO_GOOD in each]
    return [f"warning: {each}" for each in sorted(found, key=lambda each: UNPROVED not in each)]


def write_checked(result: Mapping[str, Any], *, asked: bool, quiet: bool) -> None:
    """Writes what came of `--check-cache`; what differs ends a run before its result.

    Args:
        result: The document, with what the cache did.
        asked: Whether the check was.
        quiet: Whether nothing is said.
    """
    if not asked or quiet:
        return
    rows = (result.get("cache") or {}).get("checked", 0)
    same = f"{counted(rows, 'row')} computed anew, the same bit for bit"
    write_words([f"--check-cache: {same if rows else 'nothing was read, so nothing was checked'}"])


def _saving(result: Mapping[str, Any]) -> str:
    """Returns what blocks that froze on the way saved, or the empty string."""
    freezing = result.get("freezing") or {}
    if not any(event.get("kind") == "threshold" for event in freezing.get("ledger") or []):
        return ""
    share, seconds = freezing["saved_backward_share"], freezing.get("saved_seconds") or 0.0
    return f"Freezing on the way saved {share:.0%} of the backward pass, about {seconds:.0f} s."


def write_predictions(
    table: "pa.Table", out: Path | None, *, guard_formulas: bool, quiet: bool = False
) -> None:
    """Writes predictions to a new file in the format of its suffix, or as CSV.

    Args:
        table: N rows: the input's columns, then ours.
        out: A file that does not exist, or None for standard output.
        guard_formulas: Whether cells that a spreadsheet would run get a `'` in front.
        quiet: Whether nothing is said of columns that the format cannot hold.

    Raises:
        SettingsError: If the file exists, or its folder does not.
        StorageError: If the disk or a permission says no.
    """
    suffix = out.suffix.lower() if out else ".csv"
    if suffix != ".parquet":
        table = without_bytes(table, quiet=quiet)
    made = content(table, suffix, guard_formulas=guard_formulas)
    if out is None:
        return write_out(made)
    return write_file(out, made)


def write_file(out: Path, made: bytes) -> None:
    """Writes a new file, which appears whole or not at all.

    Raises:
        SettingsError: If something is there, or the folder is not.
        StorageError: If the disk or a permission says no.
    """
    refuse_existing(out)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(made)
        temporary.replace(out)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror}") from None
    finally:  # Whoever stops a large file from being written leaves no half of it behind.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def refuse_existing(out: Path | None) -> None:
    """Does nothing where a file may be made.

    Raises:
        SettingsError: If something is there, the folder is not, or nobody can tell.
    """
    from regraft.errors import SettingsError

    try:
        taken, placed = out is not None and out.exists(), out is None or out.parent.is_dir()
    except OSError as error:  # A folder that must not be entered, or a name too long for any.
        raise SettingsError(f"{out} cannot be made ({error.strerror})", hint="another --out") from (
            None
        )
    if taken:
        raise SettingsError(
            f"{out} exists", expected="a path where nothing is", hint="another --out"
        )
    if out is not None and not placed:
        raise SettingsError(f"{out.parent} is not a folder", expected="a folder that exists")


def refuse_document(out: Path | None) -> None:
    """Does nothing where a file of JSON may be made.

    Raises:
        SettingsError: If its name says another kind, or as in `refuse_existing`.
    """
    from regraft.errors import SettingsError

    if out is not None and out.suffix.lower() != ".json":
        raise SettingsError(
            f"{out} would hold JSON", expected="a name that ends in .json", hint="--out scores.json"
        )
    refuse_existing(out)


def without_bytes(table: "pa.Table", *, quiet: bool) -> "pa.Table":
    """Returns a table without the columns of bytes, which text cannot hold; says which.

    Args:
        table: N rows.
        quiet: Whether nothing is said.
    """
    binary = binary_columns(table)
    if binary and not quiet:
        listed = ", ".join(f"'{name}'" for name in binary)
        write_words([f"left out, as they hold bytes: {listed}; --out FILE.parquet keeps them"])
    return table.drop_columns(binary)
