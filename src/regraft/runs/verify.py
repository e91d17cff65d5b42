"""Verifies a finished run: the verb that says whether what was frozen stood still."""

from pathlib import Path
from typing import Any

from regraft.backbones.sources.documents import incomplete
from regraft.backbones.sources.seal import read_sealed
from regraft.backbones.weights import read_weights
from regraft.data.starters.cache import file_digest
from regraft.errors import DamagedFileError
from regraft.freezing.verify import faults_of
from regraft.runs.report import read_result
from regraft.serving.store import MODEL, WEIGHTS


class Verified(dict[str, Any]):
    """What `verify` found; as a truth it says whether the proof holds.

    >>> bool(Verified(holds=False, faults=["layer.0: frozen, and changed"], stretches=1))
    False
    """

    def __bool__(self) -> bool:
        return bool(self["holds"])

    def __repr__(self) -> str:  # pprint shows a false dictionary without its own as an empty one
        return repr(dict(self))


def verify(run: str | Path | dict[str, Any]) -> Verified:
    """Returns whether the proof of a run holds, and what speaks against it.

    What is checked: every block that was frozen is equal bit for bit, parameters and buffers,
    from the moment it froze to the next event; no frozen weight ever had a gradient, and no
    backward pass went below the line; the frozen prefix answered the same in training mode
    and in evaluation; everything else did move; the file of weights is the one that
    training left, and the files beside it (labels, preprocessing, tokenizer) are those that the
    run saved.

    Args:
        run: A run folder, or the result document of one that is still where it was.

    Returns:
        `{"holds": bool, "faults": [sentence, ...], "stretches": number}`, which is true where
        the proof holds: `assert regraft.verify("runs/reviews")`. `json` with an `indent` writes
        whatever is false as `{}`: give it `dict(...)` of this.

    Raises:
        DataError: If the folder is no complete run.
        DamagedFileError: If its files cannot be read.
    """
    folder = Path(run["run"]) if isinstance(run, dict) else Path(run)
    freezing = read_result(folder).get("freezing", {})
    place = folder / MODEL / WEIGHTS
    if not place.is_file():
        raise incomplete(folder, place)
    try:
        found = faults_of(freezing, read_weights(place, own=True), sha256=file_digest(place))
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            f"{folder} holds no proof of what was frozen ({error} is missing)",
            expected="a run of this version of regraft",
        ) from error
    found = [*found, *_broken_seal(folder)]
    count = len(freezing["proof"]["stretches"])
    return Verified(holds=not found, faults=found, stretches=count)


def _broken_seal(folder: Path) -> list[str]:
    """Returns what is not as the run saved it, if anything."""
    try:
        read_sealed(folder, folder / MODEL)
    except DamagedFileError as error:
        return [str(error)]
    return []
