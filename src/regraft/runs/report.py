"""Makes the report of a finished run again, from its result document."""

from pathlib import Path
from typing import Any

from regraft.backbones.sources.documents import incomplete, read_json
from regraft.errors import DamagedFileError, DataError
from regraft.reports.html import write_report
from regraft.runs.comparing.folder import COMPARE, PAGE
from regraft.runs.fitting.folder import RESULT


def run_report(run: Path) -> Path:
    """Returns the path of the report, drawn anew.

    Args:
        run: Folder of a finished run.

    Raises:
        DataError: If the folder is no complete run, or holds a comparison.
        DamagedFileError: If its result is no JSON.
    """
    if (run / COMPARE).is_file():
        raise DataError(
            f"{run} is a comparison, which has a page of its own",
            expected="a folder that regraft fit or adapt made",
            hint=str(run / PAGE),
        )
    path = run / "report.html"
    write_report(read_result(run), path)
    return path


def read_result(run: Path) -> dict[str, Any]:
    """Returns the result document of a finished run.

    Raises:
        DataError: If the folder is no complete run.
        DamagedFileError: If its result is none.
    """
    place = run / RESULT
    try:
        document = read_json(place)
    except (FileNotFoundError, NotADirectoryError):
        raise incomplete(run, place) from None
    if not isinstance(document, dict):
        raise DamagedFileError(f"{place} is no result document")
    return document
