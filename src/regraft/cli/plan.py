"""Says what `fit` would do, without doing it: `regraft plan DATA`."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from regraft.cli.options import Data, FitFlags, fit_settings, required, spelled_out

HEADERS = ("phase", "line", "epochs", "rates", "trained weights", "share", "estimate")


@spelled_out(FitFlags)
def plan(data: Data = None, **flags: Unpack[FitFlags]) -> int:
    """Say what fit would do: what is frozen, what moves, at which rates, and why."""
    from regraft.cli.printing import write_json
    from regraft.cli.progress import progress_for

    settings = required(fit_settings(data, flags), "plan")
    from regraft.runs.plan import run_plan

    document = run_plan(settings, progress_for(quiet=flags.get("quiet", False)))
    write = write_json if flags.get("json") else _write
    write(document)
    return 0


def _write(document: Mapping[str, Any]) -> None:
    from regraft.cli.printing import write_out, write_table
    from regraft.reports.words import count, duration

    tried = (document.get("auto") or {}).get("tried") or []
    if tried:
        candidates = [[str(each["words"]), duration(each["seconds"])] for each in tried]
        write_table(("auto tries, beside the linear probe", "all passes"), candidates)
        write_out("\nThe first of them:\n\n")
    write_table(HEADERS, [_cells(phase) for phase in _phases(document)])
    positions = document.get("positions") or []
    if positions:
        write_out("\n")
        blocks = [[str(p["position"]), str(p["name"]), count(p["parameters"])] for p in positions]
        write_table(("line", "frozen up to and with", "weights"), blocks)
    defaults = document.get("defaults") or []
    if defaults:
        write_out("\n")
        lines = [[str(d["name"]), _shown(d["value"]), str(d["reason"])] for d in defaults]
        write_table(("chosen", "value", "because"), lines)


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _phases(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    plan_document: Mapping[str, Any] = document.get("plan") or document
    phases: Sequence[Mapping[str, Any]] = plan_document.get("phases") or []
    return phases


def _cells(phase: Mapping[str, Any]) -> list[str]:
    from regraft.reports.words import count, duration, share

    rates = [] if phase.get("solved") else [group["lr"] for group in phase.get("groups") or []]
    span = f"{min(rates):.1e} to {max(rates):.1e}" if rates else "solved"
    shrinking = [group["shrink"] for group in phase.get("groups") or [] if group.get("shrink")]
    less = f", matrices shrink by up to {max(shrinking):.2g} a step" if shrinking else ""
    return [
        str(phase["name"]) + less,
        str(phase["line"]),
        str(phase["epochs"]),
        span if len(set(rates)) != 1 else f"{rates[0]:.1e}",
        count(phase.get("trained")),
        share(phase.get("share")),
        duration(phase.get("seconds")),
    ]
