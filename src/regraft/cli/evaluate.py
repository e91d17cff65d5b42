"""Scores a run on other labelled data: `regraft evaluate RUN DATA`."""

from pathlib import Path
from typing import Annotated, Unpack

from typer import Argument

from regraft.cli.faults import UNREADABLE_ROWS
from regraft.cli.options import (
    CacheFlag,
    ColumnFlags,
    DeviceFlag,
    OutFlag,
    OutputFlags,
    PartFlag,
    Run,
    spelled_out,
)


class EvaluateFlags(
    ColumnFlags, PartFlag, DeviceFlag, CacheFlag, OutFlag, OutputFlags, total=False
):
    """Flags of `evaluate`."""


@spelled_out(EvaluateFlags)
def evaluate(
    run: Run,
    data: Annotated[str, Argument(metavar="DATA", help="Labelled data, as for fit.")],
    **flags: Unpack[EvaluateFlags],
) -> int:
    """Score a finished run on labelled data; on its test rows, if the data have a split."""
    from regraft.cli.options import typed_settings
    from regraft.cli.printing import json_text, refuse_document, write_file, write_result
    from regraft.cli.progress import progress_for
    from regraft.settings import EvaluateSettings

    settings = EvaluateSettings(run=Path(run), data=data, **typed_settings(flags))
    refuse_document(settings.out)
    quiet = flags.get("quiet", False)
    from regraft.runs.evaluate import run_evaluate

    result = run_evaluate(settings, progress_for(quiet=quiet))
    if settings.out:
        write_file(settings.out, json_text(result).encode())
    write_result(result, as_json=flags.get("json", False), quiet=quiet, fitted=False)
    return UNREADABLE_ROWS if result.get("unreadable") else 0
