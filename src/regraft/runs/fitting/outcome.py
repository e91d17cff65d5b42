"""Defines the outcome of a run on test rows; writes it down, and what was learnt from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from regraft.backbones.backbone import Backbone
from regraft.backbones.sources.seal import settle
from regraft.data.mapped.digests import Digests, shortened
from regraft.data.mapped.room import blocks
from regraft.data.reading.sources import STARTER
from regraft.data.rows import Dataset, Rows
from regraft.data.starters.models import MODELS
from regraft.errors import DamagedFileError, UserError
from regraft.reports.thumbnails import thumbnail
from regraft.runs.choosing.opening import Network
from regraft.runs.fitting.folder import LEARNT, RunFolder
from regraft.runs.fitting.prepare import Prepared
from regraft.scoring import metrics
from regraft.serving.model import Answers, Model
from regraft.serving.store import MODEL, load
from regraft.training.precision import Verdict

Labels = npt.NDArray[np.int64]
WORST = 12
"""Mistakes shown in the report."""
LONGEST = 600
"""Characters of a text shown in the report."""


class ReadBackError(DamagedFileError):
    """A model that does not come back as it was saved, however often it is trained again."""


@dataclass(frozen=True)
class Outcome:
    """What a trained model says of validation and test rows.

    Args:
        model: The trained model.
        val: (M, K) probabilities on validation rows, or out of fold.
        val_labels: (M,).
        test: L test rows.
        answers: Their probabilities and reading errors.
    """

    model: Model
    val: npt.NDArray[np.float64]
    val_labels: Labels
    test: Rows
    answers: Answers

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """(L, K) of the test rows."""
        return self.answers.probabilities


def model_of(prepared: Prepared, verdict: Verdict) -> Model:
    """Returns the network as it stands, ready to answer."""
    top = prepared.chain.top
    named = prepared.backbone.architecture.library != "module"
    return Model(
        network=prepared.network.eval(),
        backbone=prepared.backbone,
        classes=prepared.dataset.classes,
        extent=int(prepared.chosen.extent.value),
        mode=verdict.inference,
        columns=prepared.dataset.columns,
        trunk_kept=named and all(phase.line == top for phase in prepared.phases),
        cache=prepared.cache,
    )


def save_predictions(path: Path, outcome: Outcome) -> None:
    """Writes the test rows' origin, label, prediction and probabilities as Parquet."""
    scores = ["confidence", *(f"p_{name}" for name in outcome.model.classes)]
    kinds = dict.fromkeys(("origin", "label", "prediction"), pa.string())
    schema = pa.schema({**kinds, **dict.fromkeys(scores, pa.float64())})
    with _whole(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for block in blocks(len(outcome.test)):
            writer.write_table(pa.table(_predictions(outcome, block), schema))


def save_learnt(folder: RunFolder, dataset: Dataset, *, beside: Digests | None = None) -> None:
    """Writes half of the digest of each different row that was learnt from, ascending.

    Args:
        folder: Of the run.
        dataset: Whose rows of train and val these are.
        beside: (M, 16) of rows of other data; None = there are none.
    """
    digests = [*(dataset.parts[part].digests for part in ("train", "val")), beside]
    halves = [shortened(each) for each in digests if each is not None]
    table = pa.table({"digest": np.unique(np.concatenate([np.zeros(0, np.uint64), *halves]))})
    with folder.writing(LEARNT) as path, _whole(path) as temporary:
        pq.write_table(table, temporary)


def read_learnt(run: Path) -> npt.NDArray[np.uint64] | None:
    """Returns what `save_learnt` wrote, (U,); None for a run from before it did.

    Raises:
        DamagedFileError: If the file cannot be read.
    """
    place = run / LEARNT
    if not place.is_file():
        return None
    try:
        found: npt.NDArray[np.uint64] = pq.read_table(place)["digest"].to_numpy()
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DamagedFileError(f"{place} cannot be read ({reason})") from error
    return found


def read_back(run: Path, prepared: Prepared, *, network: Network | None) -> None:
    """Loads what a run saved and replays it, where that is the first time anybody does.

    A starter comes back. Of another network only this tells, while there are checkpoints.

    Args:
        run: The run folder, its model saved.
        prepared: What was fitted.
        network: The backbone where it is a Python object, as it was given; it is copied.

    Raises:
        ReadBackError: If it cannot be loaded, or answers otherwise.
    """
    if network is None and is_starter(prepared):
        return
    given = network.network if isinstance(network, Backbone) else network
    library = prepared.backbone.architecture.library
    own = library == "module"
    try:
        load(run, network=given if own else None)
    except (UserError, DamagedFileError) as error:  # A user's mistake would take the checkpoints.
        hint = "another network" if own else f"another version of {library}, or another network"
        raise ReadBackError(f"{run / MODEL} cannot be read back ({error})", hint=hint) from error


def is_starter(prepared: Prepared) -> bool:
    """Says whether the network has the name of a starter."""
    return str(prepared.chosen.backbone.value).removeprefix(STARTER) in MODELS


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Gives a temporary name; what is written there appears under its own, whole."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        settle(temporary)
        temporary.replace(path)
        settle(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _predictions(outcome: Outcome, rows: slice) -> dict[str, object]:
    """Returns the columns of some test rows."""
    classes, shares = outcome.model.classes, outcome.probabilities[rows]
    return {
        "origin": [str(origin) for origin in outcome.test.origins[rows]],
        "label": [classes[i] for i in outcome.test.labels[rows].tolist()],
        "prediction": [classes[i] for i in shares.argmax(axis=1).tolist()],
        "confidence": shares.max(axis=1, initial=0),
        **{f"p_{name}": shares[:, number] for number, name in enumerate(classes)},
    }


def worst_mistakes(outcome: Outcome) -> list[dict[str, object]]:
    """Returns the surest wrong answers on test rows, with the examples."""
    predicted = outcome.probabilities.argmax(axis=1)
    confidence = outcome.probabilities.max(axis=1, initial=0)
    wrong = np.flatnonzero(predicted != outcome.test.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:WORST]
    return [_mistake(outcome, int(i), int(predicted[i]), float(confidence[i])) for i in worst]


def _mistake(outcome: Outcome, row: int, predicted: int, confidence: float) -> dict[str, object]:
    classes = outcome.model.classes
    source = outcome.test.inputs[row]
    shown: dict[str, object] = {}
    if outcome.test.modality == "text":
        text = str(source)
        shown["text"] = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    elif isinstance(source, str):
        # A path seen from here leads nowhere once the data or the user are elsewhere.
        picture = thumbnail(Path(source))
        shown |= {"image": source, **({"thumbnail": picture} if picture else {})}
    else:
        shown["thumbnail"] = thumbnail(source)
    return {
        "origin": str(outcome.test.origins[row]),
        **shown,
        "label": classes[int(outcome.test.labels[row])],
        "prediction": classes[predicted],
        "confidence": confidence,
    }


def confusion(outcome: Outcome) -> npt.NDArray[np.int64]:
    """Returns (K, K) test rows, true class by predicted class."""
    predicted = outcome.probabilities.argmax(axis=1)
    return metrics.confusion(outcome.test.labels, predicted, classes=len(outcome.model.classes))


def calibration(outcome: Outcome) -> list[dict[str, float]]:
    """Returns mean confidence, accuracy and rows of each bin of confidence that has rows."""
    confidence = outcome.probabilities.max(axis=1, initial=0)
    right = outcome.probabilities.argmax(axis=1) == outcome.test.labels
    numbers = metrics.bins(confidence)
    return [
        {
            "confidence": float(confidence[numbers == b].mean()),
            "accuracy": float(right[numbers == b].mean()),
            "rows": int((numbers == b).sum()),
        }
        for b in np.unique(numbers)
    ]
