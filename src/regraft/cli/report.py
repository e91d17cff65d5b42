"""Makes the page of a run again: `regraft report RUN`."""

from typing import Unpack

from regraft.cli.options import OutputFlags, Run, spelled_out


@spelled_out(OutputFlags)
def report(run: Run, **flags: Unpack[OutputFlags]) -> int:
    """Write the report of a finished run as one HTML file, and print its path."""
    from regraft.cli.printing import write_json, write_out
    from regraft.runs.report import run_report

    path = run_report(run)
    if flags.get("json"):
        write_json({"report": path})
    else:
        write_out(f"{path}\n")
    return 0
