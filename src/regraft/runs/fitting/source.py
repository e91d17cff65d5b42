"""Makes the rows of a source that are trained on beside the target's."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from regraft.data.encode import Encoded, encode
from regraft.data.load import load
from regraft.data.mapped.digests import Digests
from regraft.data.reading.pictures import open_picture
from regraft.data.rows import Dataset, Part, Rows
from regraft.data.spec import InputSpec
from regraft.data.split import content_key
from regraft.data.starters.wheels import Say
from regraft.errors import DataError, SettingsError, counted
from regraft.settings import FitSettings
from regraft.strategies.table import Composed
from regraft.training.session import Examples

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Encoded rows of another data set, with labels that the target's classes come before.

    Args:
        examples: M rows; a label below K is a class of the target.
        classes: Names of its own classes, from K up; empty where they are the target's.
        digests: (M, 16) of their contents; None where nobody made them.
    """

    examples: Examples
    classes: tuple[str, ...]
    digests: Digests | None = None


def check_source(settings: FitSettings, strategy: Composed) -> None:
    """Refuses a strategy without the source that it needs, and a source that nobody reads.

    Raises:
        SettingsError: If it is so.
    """
    if strategy.needs_source and settings.source is None:
        raise SettingsError(
            f"strategy {settings.strategy} needs a source: other labelled data of the same kind",
            hint="--source DATA",
        )
    if settings.source is not None and not strategy.needs_source:
        raise SettingsError(
            f"source = {settings.source!r} cannot be used with the strategy {settings.strategy}",
            hint="--strategy sequential",
        )


def load_source(name: str, target: Dataset) -> Dataset:
    """Returns the source's data.

    Args:
        name: Path or name of data.
        target: Of the same modality.

    Raises:
        DataError: If the source cannot be read, or is of another modality.
    """
    dataset = load(name, say=lambda line: None)
    if dataset.modality != target.modality:
        raise DataError(
            f"the source {dataset.name} holds {dataset.modality}s",
            expected=f"{target.modality}s, as the data have",
        )
    return dataset


def read_source(name: str, target: Dataset, *, spec: InputSpec, extent: int, say: Say) -> Source:
    """Returns the source's labelled rows but those that the target is scored on.

    Args:
        name: Path or name of data.
        target: The rows that it is scored on are left out of the source.
        spec: How the network is fed.
        extent: Most tokens, or side in pixels.
        say: Told what was understood.

    Raises:
        DataError: If the source cannot be read, is of another modality, or has no row left.
    """
    dataset = load_source(name, target)
    parts = [dataset.parts["train"], dataset.parts["val"]]
    # In folds the training rows are scored too, each while it is left out.
    held: Part = "val" if len(target.parts["val"]) else "train"
    scored = {*_keys(target.parts[held]), *_keys(target.parts["test"])}
    rows = [_without(part, scored) for part in parts]
    if not any(map(len, rows)):
        raise DataError(
            f"each row of the source {dataset.name} is one that the target is scored on",
            expected="other labelled data",
        )
    own = () if set(dataset.classes) == set(target.classes) else dataset.classes
    labels = np.concatenate([_labels(part, target.classes, own) for part in rows])
    encoded: list[Encoded] = [encode(part, spec, extent=extent) for part in rows]
    left_out = sum(map(len, parts)) - len(labels)
    say(_words(dataset, own, len(labels), left_out))
    digests = [part.digests for part in rows if part.digests is not None]
    return Source(
        Examples(_joined(encoded), labels), own, np.concatenate(digests) if digests else None
    )


def _keys(rows: Rows) -> list[bytes]:
    """Returns the content keys of rows, by which equal rows are known."""
    if rows.modality == "text":
        return [content_key(each) for each in rows.inputs]
    return [content_key(np.asarray(open_picture(each))) for each in rows.inputs]


def _without(rows: Rows, scored: set[bytes]) -> Rows:
    kept = [number for number, key in enumerate(_keys(rows)) if key not in scored]
    return rows.take(np.array(kept, np.int64))


def _labels(rows: Rows, classes: tuple[str, ...], own: tuple[str, ...]) -> Labels:
    if own:
        return rows.labels + len(classes)
    order = np.array([classes.index(name) for name in rows.classes], np.int64)
    return order[rows.labels]


def _joined(parts: list[Encoded]) -> Encoded:
    first, second = parts
    return first.joined(second)  # type: ignore[arg-type] # both are of one modality


def _words(dataset: Dataset, own: tuple[str, ...], rows: int, left_out: int) -> str:
    whose = f"with {len(own)} classes of its own" if own else "with the same classes"
    words = f"source: {counted(rows, 'row')} of {dataset.name}, {whose}"
    return f"{words}; {left_out} that the target is scored on left out" if left_out else words
