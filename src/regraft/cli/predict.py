"""Predicts for texts or files with a run: `regraft predict RUN DATA|TEXT…|-`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from typer import Argument

from regraft.cli.faults import UNREADABLE_ROWS
from regraft.cli.options import (
    OUTPUT,
    CacheFlag,
    ColumnFlags,
    DeviceFlag,
    OutputFlags,
    Run,
    option,
    spelled_out,
    switch,
    typed_settings,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from regraft.runs.predict import PredictOutcome
    from regraft.settings import PredictSettings

_SHOWN = ("text", "prediction", "confidence", "error")


class PredictFlags(ColumnFlags, DeviceFlag, CacheFlag, OutputFlags, total=False):
    """Flags of `predict`."""

    out: Annotated[
        Path | None,
        option(OUTPUT, "FILE", "File to write (.csv, .jsonl, .parquet), which must not exist yet."),
    ]
    suffix: Annotated[
        str | None,
        option(OUTPUT, "TEXT", "Put behind the names of our columns."),
    ]
    guard_formulas: Annotated[
        bool,
        switch(
            OUTPUT,
            "--guard-formulas",
            "In CSV and JSON lines, put ' before cells that a spreadsheet would run.",
        ),
    ]


@spelled_out(PredictFlags)
def predict(
    run: Run,
    inputs: Annotated[
        list[str],
        Argument(metavar="DATA|TEXT…|-", help="Data, texts, or - for lines on standard input."),
    ],
    **flags: Unpack[PredictFlags],
) -> int:
    """Predict classes for texts, a table, a folder or lines on standard input."""
    from regraft.cli.printing import refuse_existing
    from regraft.cli.progress import progress_for
    from regraft.errors import SettingsError
    from regraft.settings import PredictSettings

    settings = PredictSettings(run=Path(run), inputs=tuple(inputs), **typed_settings(flags))
    refuse_existing(settings.out)
    if flags.get("guard_formulas") and flags.get("json") and not settings.out:
        raise SettingsError("--guard-formulas cannot be used with --json", hint="--out FILE.csv")
    from regraft.runs.predict import run_predict

    quiet = flags.get("quiet", False)
    outcome = run_predict(settings, progress_for(quiet=quiet))
    _write(outcome, settings, flags)
    return _report_problems(outcome.problems, outside=outcome.outside, quiet=quiet)


def _write(outcome: "PredictOutcome", settings: "PredictSettings", flags: PredictFlags) -> None:
    from regraft.cli.printing import without_bytes, write_json, write_predictions
    from regraft.cli.written import rows_of

    as_json, quiet = flags.get("json", False), flags.get("quiet", False)
    if settings.out or not (as_json or _only_texts(settings.inputs)):
        guard = flags.get("guard_formulas", False)
        write_predictions(outcome.table, settings.out, guard_formulas=guard, quiet=quiet)
    elif not as_json:
        _write_small(outcome.table)
    if as_json and settings.out:
        write_json(_document(outcome, settings, {"out": settings.out}))
    elif as_json:
        rows = rows_of(without_bytes(outcome.table, quiet=quiet))
        write_json(_document(outcome, settings, {"rows": rows}))


def _document(
    outcome: "PredictOutcome", settings: "PredictSettings", rows: dict[str, Any]
) -> dict[str, Any]:
    return {
        "run": settings.run,
        "count": outcome.table.num_rows,
        **rows,
        "problems": outcome.problems,
    }


def _only_texts(inputs: tuple[str, ...]) -> bool:
    from regraft.data.reading.sources import exists, is_named

    # What looks like a path and is none was refused by the verb, so the rest are texts.
    return not any(word == "-" or is_named(word) or exists(word) for word in inputs)


def _write_small(table: "pa.Table") -> None:
    from regraft.cli.printing import write_table

    names = [n for n in table.column_names if n.startswith(_SHOWN) and _filled(table, n)]
    lines = [[_cell(row[name]) for name in names] for row in table.select(names).to_pylist()]
    write_table(names, lines)


def _filled(table: "pa.Table", name: str) -> bool:
    return any(cell not in (None, "") for cell in table.column(name).to_pylist())


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    words = "" if value is None else str(value)
    return words if len(words) <= 60 else words[:59] + "…"


def _report_problems(problems: list[str], *, outside: int, quiet: bool) -> int:
    from regraft.cli.printing import write_words
    from regraft.errors import counted

    if not problems:
        return 0
    if not quiet:
        more = f"… and {len(problems) - 10} more" if len(problems) > 10 else ""
        rows = len(problems) - outside
        unread = f"{counted(rows, 'row')} could not be read" if rows else ""
        others = f"{counted(outside, 'problem')} of what is no row" if outside else ""
        write_words([f"{' and '.join(filter(None, (unread, others)))}:", *problems[:10], more])
    return UNREADABLE_ROWS
