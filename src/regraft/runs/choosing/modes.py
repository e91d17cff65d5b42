"""Decides in which modes a network computes: from an earlier run, the store or a probe."""

from regraft.data.starters.wheels import Say
from regraft.runs.choosing.budget import PROBE_IMAGES, PROBE_TOKENS
from regraft.runs.fitting.prepare import Prepared
from regraft.strategies.table import AUTO
from regraft.training.precision import Verdict, decide


def takes_steps(prepared: Prepared) -> bool:
    """Says whether a run trains more than heads on features of the whole trunk."""
    top, automatic = prepared.chain.top, prepared.settings.strategy == AUTO
    return automatic or any(phase.line < top for phase in prepared.phases)


def decide_modes(prepared: Prepared, *, say: Say, steps: bool = True) -> Verdict:
    """Returns the modes for this network, data and processor: stored, or probed now.

    Args:
        prepared: Network and rows; with the verdict of an earlier run, that one is taken
            where processor, torch, device and precision are the same.
        say: Told where an earlier verdict does not hold here.
        steps: Whether the trunk will be trained, so that steps are timed too.
    """
    if prepared.earlier and (prepared.earlier.verdict.knows_steps or not steps):
        why = prepared.earlier.differs(prepared.device, prepared.settings.precision)
        for told in filter(None, (prepared.earlier.other_threads, prepared.earlier.other_versions)):
            say(told)
        if not why:
            return prepared.earlier.verdict
        say(f"precision and attention are measured anew: {why}")
    rows = prepared.encoded["train"]
    middle = rows.lengths.argsort(kind="stable")[len(rows) // 2 :]
    is_text = prepared.dataset.modality == "text"
    count = PROBE_TOKENS // max(int(rows.lengths[middle[0]]), 1) if is_text else PROBE_IMAGES
    wanted = None if prepared.settings.precision == "auto" else prepared.settings.precision
    batch = rows.batch(middle[: max(count, 1)])
    return decide(prepared.network, batch, wanted=wanted, device=prepared.device, steps=steps)
