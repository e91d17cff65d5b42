"""Goes on with a run that was stopped: `regraft resume RUN`."""

from pathlib import Path
from typing import Annotated, Unpack

from typer import Argument

from regraft.cli.options import OutputFlags, spelled_out

Stopped = Annotated[Path, Argument(metavar="RUN", help="The folder of a run that was stopped.")]


@spelled_out(OutputFlags)
def resume(run: Stopped, **flags: Unpack[OutputFlags]) -> int:
    """Go on with a run that was stopped, as if it never had been."""
    from regraft.cli.adapt import write_adaptation
    from regraft.cli.printing import write_result
    from regraft.cli.progress import progress_for
    from regraft.runs.resume import run_resume

    quiet = flags.get("quiet", False)
    result = run_resume(run, progress_for(quiet=quiet))
    write = write_adaptation if "methods" in result else write_result
    write(result, as_json=flags.get("json", False), quiet=quiet)
    return 0
