"""Goes on with a run that was stopped: `regraft resume RUN`."""

from pathlib import Path
from typing import Annotated, Unpack

from typer import Argument

from regraft.cli.options import TRAINING, OutputFlags, option, spelled_out

Stopped = Annotated[Path, Argument(metavar="RUN", help="The folder of a run that was stopped.")]


class ResumeFlags(OutputFlags, total=False):
    """Flags of `resume`."""

    strategy: Annotated[
        str | None,
        option(TRAINING, "NAME", "The run's own module:Class once more: without it none is run."),
    ]


@spelled_out(ResumeFlags)
def resume(run: Stopped, **flags: Unpack[ResumeFlags]) -> int:
    """Go on with a run that was stopped, as if it never had been."""
    from regraft.cli.adapt import write_adaptation
    from regraft.cli.printing import write_result
    from regraft.cli.progress import progress_for
    from regraft.runs.resume import run_resume

    quiet = flags.get("quiet", False)
    result = run_resume(run, progress_for(quiet=quiet), strategy=flags.get("strategy"))
    write = write_adaptation if "methods" in result else write_result
    write(result, as_json=flags.get("json", False), quiet=quiet)
    return 0
