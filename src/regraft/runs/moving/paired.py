"""Fits a phase to steps that compare two domains, which may have more rows than others."""

from dataclasses import replace

from regraft.runs.choosing.defaults import passes_over, share_of_rate
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.record import left_open
from regraft.runs.fitting.sessions import least_paired
from regraft.training.phase import Phase


def paired(phase: Phase, prepared: Prepared) -> Phase:
    """Returns a phase with the rates and passes of steps with rows enough to compare.

    Args:
        phase: At the rates and passes of the strategy's own steps, which may have fewer.
        prepared: What was chosen for these; what was typed stays.
    """
    chosen, modality = prepared.chosen, prepared.dataset.modality
    rows = int(chosen.batch_size.value)
    more = max(rows, least_paired(prepared))
    if modality != "text" or more == rows:
        return phase
    if "lr" in left_open(prepared):
        factor = share_of_rate(more) / share_of_rate(rows)
        rates = tuple(rate * factor for rate in phase.rates)
        phase = replace(phase, head_rate=phase.head_rate * factor, rates=rates)
    if "epochs" in left_open(prepared):
        known = len(prepared.dataset.parts["train"])
        times = [passes_over(known, modality, batch_size=size) for size in (more, rows)]
        phase = replace(phase, epochs=max(1, round(phase.epochs * times[0] / times[1])))
    return phase
