"""Compares strategies on labelled data: `regraft compare DATA --strategies a,b`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Unpack

from regraft.cli.options import (
    OUTPUT,
    TRAINING,
    Data,
    OutputFlags,
    TrainFlags,
    merged,
    option,
    required,
    spelled_out,
)


class CompareFlags(TrainFlags, OutputFlags, total=False):
    """Flags of `compare`."""

    strategies: Annotated[
        list[str] | None,
        option(TRAINING, "NAME,NAME", "Which to compare; may be repeated (head,two-stage,full)."),
    ]
    seeds: Annotated[
        int | None,
        option(TRAINING, "COUNT", "Trainings of each, from --seed on (3)."),
    ]
    fractions: Annotated[
        str | None,
        option(TRAINING, "SHARE,SHARE", "Shares of the labels, such as 0.1,0.3,1 (1)."),
    ]
    against: Annotated[
        str | None,
        option(TRAINING, "NAME", "The strategy that the others are measured against (the first)."),
    ]
    out: Annotated[
        Path | None,
        option(OUTPUT, "FOLDER", "Folder to make, or to go on with (runs/DATA-compare-NNN)."),
    ]


@spelled_out(CompareFlags)
def compare(data: Data = None, **flags: Unpack[CompareFlags]) -> int:
    """Train several strategies over seeds and shares of the labels, and say which is best."""
    from regraft.cli.progress import progress_for
    from regraft.runs.comparing.settings import ONLY_FIT, CompareSettings, parted
    from regraft.settings import FitSettings

    own, shared = parted(merged(data, flags, passed_over=ONLY_FIT))
    settings = CompareSettings(shared=required(FitSettings(**shared), "compare"), **own)
    quiet = flags.get("quiet", False)
    from regraft.runs.compare import run_compare

    result = run_compare(settings, progress_for(quiet=quiet))
    _write(result, as_json=flags.get("json", False), quiet=quiet)
    return 0


def _write(result: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    from regraft.cli.printing import write_json, write_table, write_words
    from regraft.reports.comparison import OF_SECONDS, headers, lines, strongest

    if as_json:
        write_json(result)
        return
    write_table(headers(result), lines(result), strong=strongest(result))
    page = Path(result["comparison"]) / "compare.html"
    if not quiet:
        write_words([OF_SECONDS, "", *result["sentences"], f"Page: {page}"])
