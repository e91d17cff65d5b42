"""Decides what `auto` tries for a run's settings, and makes what trains each candidate."""

from collections.abc import Sequence
from dataclasses import replace

from regraft.errors import SettingsError
from regraft.runs.choosing.auto import Candidate, candidates
from regraft.runs.choosing.defaults import TYPED, Choice
from regraft.runs.fitting.prepare import Prepared, replanned

USUAL = "two-stage"


def wanted_by(prepared: Prepared) -> list[Candidate]:
    """Returns what `auto` tries beside the linear probe: what these settings can have, once.

    Args:
        prepared: Of a run whose strategy is `auto`.
    """
    settings, rows = prepared.settings, len(prepared.dataset.parts["train"])
    found = candidates(
        settings.preset or "balanced", rows=rows, classes=len(prepared.dataset.classes)
    )
    if settings.lr is not None:
        found = [replace(each, rate=1.0) for each in found]
    if settings.freeze is not None:
        found = [replace(each, freeze=0.0) for each in found]
    return [each for each in dict.fromkeys(found) if _possible(prepared, each)]


def _possible(prepared: Prepared, candidate: Candidate) -> bool:
    """Says whether the settings leave a candidate possible; the usual one tells why not."""
    if candidate.strategy == USUAL:
        return True
    try:
        made = taken_up(prepared, candidate)
    except SettingsError:
        return False
    # Without validation rows no average is taken: it would be its strategy once more.
    return len(made.dataset.parts["val"]) > 0 or not any(each.average for each in made.phases)


def alike(prepared: Prepared, some: Sequence[Candidate], *, share: float) -> list[Candidate]:
    """Returns which candidate trains as each does: an earlier one, or itself.

    Few passes leave strategies alike that differ where there are more.

    Args:
        prepared: Of the run.
        some: Candidates, in order.
        share: Of their passes that are taken.
    """
    known: dict[object, Candidate] = {}
    found = []
    for each in some:
        made = taken_up(prepared, each, share=share)
        phases = tuple(replace(phase, name="") for phase in made.phases)
        found.append(known.setdefault((phases, made.chosen.batch_size.value), each))
    return found


def taken_up(prepared: Prepared, candidate: Candidate, *, share: float = 1.0) -> Prepared:
    """Returns what trains a candidate, for a share of its passes.

    Args:
        prepared: Of the run.
        candidate: Its strategy, and its factor on the usual rate.
        share: In (0, 1].
    """
    changes = {"strategy": candidate.strategy, "preset": None}
    settings, freeze = prepared.settings.model_copy(update=changes), _frozen(prepared, candidate)
    made = replanned(prepared, settings, freeze=freeze)
    lr, epochs = made.chosen.lr, made.chosen.epochs
    if lr.reason != TYPED and candidate.rate != 1:
        value = float(f"{lr.value * candidate.rate:.2g}")
        lr = replace(lr, value=value, reason=f"{candidate.rate:g} of what is {lr.reason}")
    epochs = replace(epochs, value=epochs.value * share)
    return replanned(prepared, settings, lr=lr, epochs=epochs, freeze=freeze)


def _frozen(prepared: Prepared, candidate: Candidate) -> Choice | None:
    """Returns the blocks that a preset freezes; None where it does not, or others were typed."""
    if not candidate.freeze or prepared.settings.freeze is not None:
        return None
    reason = f"{100 * candidate.freeze:g} % of the blocks, by preset {prepared.settings.preset}"
    return Choice("freeze", round(candidate.freeze * prepared.chain.top), reason)
