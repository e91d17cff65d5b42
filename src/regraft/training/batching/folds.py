"""Makes folds of few rows, so that every row is validated once and equal rows never part."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from regraft.training.phase import Phase
from regraft.training.progress import EpochRecord

FOLDS = 5


def assign_folds(keys: Sequence[str], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Returns (N,) the fold, 0..4, of each row; classes are spread evenly over the folds.

    Rows of one key share a fold. A pure function of keys and labels, whatever the order.

    Args:
        keys: N contents or groups.
        labels: (N,) numbers of classes; a key's class is the lowest of its rows.
    """
    classes: dict[str, int] = {}
    for key, label in zip(keys, labels.tolist(), strict=True):
        classes[key] = min(label, classes.get(key, label))
    # Counted on from class to class, so that classes of few keys do not all fill fold 0.
    ordered = sorted(classes, key=lambda key: (classes[key], _hash(key)))
    folds = {key: place % FOLDS for place, key in enumerate(ordered)}
    return np.array([folds[key] for key in keys], np.int64)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def shared_epochs(folds: Sequence[Sequence[EpochRecord]]) -> list[tuple[str, int]]:
    """Returns phase and number of the epochs that every fold reached and scored, in order.

    A fold that is short of time ends a phase before the others do: what is compared over the
    folds must be the same epoch of the same phase.

    Args:
        folds: Records of each.
    """
    scored = [[(r.phase, r.epoch) for r in records if r.scored] for records in folds]
    return [key for key in scored[0] if all(key in others for others in scored[1:])]


def passes(folds: Sequence[Sequence[EpochRecord]]) -> dict[str, int]:
    """Returns the passes of each phase that all folds took.

    Args:
        folds: Records of each.
    """
    names = dict.fromkeys(record.phase for record in folds[0])
    taken = {
        name: min(
            max((r.epoch for r in records if r.phase == name), default=0) for records in folds
        )
        for name in names
    }
    return {name: count for name, count in taken.items() if count}


def until(
    phases: list[Phase], chosen: tuple[str, int], *, reached: Mapping[str, int]
) -> list[Phase]:
    """Returns the phases up to the chosen one, each with the passes that the folds took.

    Their schedules stay those of their planned length: the weights at an epoch are the same.

    Args:
        phases: As planned.
        chosen: Name of a phase, and its epoch.
        reached: Passes of the earlier phases.
    """
    name, epoch = chosen
    place = [phase.name for phase in phases].index(name)
    short = [reached.get(phase.name, phase.epochs) for phase in phases[:place]]
    before = [
        replace(phase, stop_after=count) if count < phase.epochs else phase
        for phase, count in zip(phases[:place], short, strict=True)
    ]
    return [*before, replace(phases[place], stop_after=epoch)]


def mean_records(folds: Sequence[Sequence[EpochRecord]], best: int) -> list[EpochRecord]:
    """Returns the folds' records averaged epoch by epoch, the chosen one marked.

    Epochs that a fold did not reach in its time are left out.

    Args:
        folds: Records of each.
        best: Number of the chosen epoch among those that all have.
    """
    scored = [{(r.phase, r.epoch): r for r in records if r.scored} for records in folds]
    columns = [[fold[key] for fold in scored] for key in shared_epochs(folds)]
    return [_mean(column, best=i == best) for i, column in enumerate(columns)]


def _mean(records: list[EpochRecord], *, best: bool) -> EpochRecord:
    return replace(
        records[0],
        train_loss=float(np.mean([r.train_loss for r in records])),
        train_accuracy=float(np.mean([r.train_accuracy or 0.0 for r in records])),
        val_loss=float(np.mean([r.val_loss or 0.0 for r in records])),
        val_accuracy=float(np.mean([r.val_accuracy or 0.0 for r in records])),
        seconds=float(np.sum([r.seconds for r in records])),
        best=best,
    )
