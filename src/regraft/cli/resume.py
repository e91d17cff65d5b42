"""Goes on with a run that was stopped: `regraft resume RUN`."""

from typing import Unpack

from regraft.cli.options import OutputFlags, Stopped, spelled_out


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
