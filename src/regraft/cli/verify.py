"""Says whether what was frozen stood still: `regraft verify RUN`."""

from typing import Unpack

from regraft.cli.options import OutputFlags, Run, spelled_out


@spelled_out(OutputFlags)
def verify(run: Run, **flags: Unpack[OutputFlags]) -> int:
    """Check that what was frozen in a run stood still, and that nothing was changed since."""
    from regraft.cli.printing import write_json, write_out
    from regraft.errors import counted
    from regraft.runs.verify import verify as run_verify

    found = run_verify(run)
    if flags.get("json"):
        write_json(found)
    elif found["holds"]:
        write_out(f"verified: {counted(found['stretches'], 'stretch', many='stretches')}\n")
    else:
        write_out("".join(f"{fault}\n" for fault in ("not verified", *found["faults"])))
    return 0 if found["holds"] else 4
