"""Makes usable inputs, content keys and reasons for unusable rows from a table."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from regraft.data.guess import Roles
from regraft.data.mapped.columns import mapped
from regraft.data.mapped.digests import Digests, digests_of
from regraft.data.reading.pictures import LARGE, is_grey, on_all_cores, open_picture, to_pixels
from regraft.data.reading.sources import exists
from regraft.data.reading.tables import Picture, Table
from regraft.data.rows import Image, Input, Modality, PictureFacts
from regraft.data.split import content_key
from regraft.errors import DataError

KEPT_BYTES = 256 << 20
"""Decoded pixels up to this are kept in memory; beyond it, and of `LARGE` files, paths or
encoded files are."""
_CHUNK = 256


@dataclass(frozen=True)
class Inputs:
    """N inputs, in the order of the table.

    Args:
        modality: Whether they are texts or images.
        inputs: N texts, paths, encoded files or pixels; the empty text where there is none.
        keys: (N, 16) content keys; noughts where there is no picture.
        errors: Reason by row number, for rows that cannot be used.
        sides: N shorter sides in pixels, 0 where there is no picture; empty for texts.
        greys: N truths, whether a picture is without colour; empty for texts.
    """

    modality: Modality
    inputs: Sequence[Input]
    keys: Digests
    errors: dict[int, str]
    sides: Sequence[int] = ()
    greys: Sequence[bool] = ()

    def facts(self, rows: npt.NDArray[np.int64]) -> PictureFacts | None:
        """Returns the facts of the pictures of these rows, which have one; None for texts."""
        if self.modality == "text":
            return None
        sides = [self.sides[row] for row in rows.tolist()]
        grey = sum(self.greys[row] for row in rows.tolist())
        middle = int(np.median(sides)) if sides else 0
        return PictureFacts(short_side=middle, grey_share=grey / max(1, len(sides)))


def gather(table: Table, roles: Roles) -> Inputs:
    """Returns the inputs of a table; every image is decoded once, whole.

    Rows that cannot be used stay in place, with their reason.

    Raises:
        StorageError: If the disk says no: that is no fault of the rows.
    """
    if roles.image is not None:
        return _gather_images(table, roles.image)
    assert roles.text is not None, "guess_roles settles the text or the image"
    inputs = mapped(table.columns[roles.text], _or_nothing)
    blank = {row: "the text is empty" for row, text in enumerate(inputs) if _is_blank(text)}
    keys = digests_of(map(content_key, inputs), len(inputs))
    return Inputs("text", inputs, keys, blank | dict(table.errors))


def _or_nothing(cell: str | None) -> str:
    return cell or ""


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


@dataclass
class _Survey:
    """What was seen of the images so far.

    Args:
        sources: N pictures, paths whole, of which the first were seen.
    """

    sources: Sequence[Picture]
    inputs: list[Input] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    sides: list[int] = field(default_factory=list)
    greys: list[bool] = field(default_factory=list)
    held: int = 0

    def add(self, seen: Image | str) -> None:
        """Notes the next picture: its pixels, or the reason why there are none."""
        source = self.sources[len(self.inputs)]
        if isinstance(seen, str):
            self.errors[len(self.inputs)] = seen
            self.inputs.append(source if isinstance(source, str) else "")
            self.keys.append(b"")
            self.sides.append(0)
            self.greys.append(False)
            return
        self.keys.append(content_key(seen))
        self.sides.append(min(seen.shape[:2]))
        self.greys.append(is_grey(seen))
        self._keep(source, seen)

    def _keep(self, source: Picture, seen: Image) -> None:
        """Keeps the pixels, or the path or encoded file where these are too many bytes."""
        full = self.held > KEPT_BYTES
        if isinstance(source, str | bytes) and (full or min(seen.shape[:2]) >= LARGE):
            self.inputs.append(source)
            return
        self.inputs.append(seen)
        self.held += seen.nbytes
        if not full and self.held > KEPT_BYTES:
            self._let_go()

    def _let_go(self) -> None:
        """Puts paths and encoded files in the place of all pixels that are held."""
        for row in range(len(self.inputs)):
            source = self.sources[row]
            if isinstance(source, str | bytes):
                self.inputs[row] = source


def _gather_images(table: Table, column: str) -> Inputs:
    sources, refused = found_pictures(table, column)
    survey = _Survey(sources)
    for start in range(0, len(sources), _CHUNK):
        for seen in on_all_cores(_decode, sources[start : start + _CHUNK]):
            survey.add(seen)
    errors = survey.errors | refused | dict(table.errors)
    return Inputs(
        "image",
        survey.inputs,
        digests_of(survey.keys, len(survey.keys)),
        errors,
        sides=survey.sides,
        greys=survey.greys,
    )


def found_pictures(table: Table, column: str) -> tuple[Sequence[Picture], dict[int, str]]:
    """Returns N pictures, paths whole, and reasons by row number for those that are refused.

    Args:
        table: N rows.
        column: Of pictures or of their paths.
    """
    cells = table.pixels[column] if column in table.pixels else table.columns[column]
    refused = _leading_out(cells) if table.sealed else {}
    pictures: list[Picture] = [
        _path(cell, table.folder) if isinstance(cell, str) else cell for cell in cells
    ]
    for row in refused:
        pictures[row] = None
    return pictures, refused


def _leading_out(cells: Sequence[Picture]) -> dict[int, str]:
    """Returns reasons by row number for paths that lead out of the archive they come from."""
    paths = {row: cell.strip() for row, cell in enumerate(cells) if isinstance(cell, str)}
    return {
        row: f"the path '{path}' leads out of the archive"
        for row, path in paths.items()
        if Path(path).is_absolute() or ".." in Path(path).parts
    }


def _path(cell: str, folder: Path) -> str | None:
    """Returns the path that a cell means, without the blanks that a list of cells may have."""
    plain = cell.strip()
    if not plain:
        return None
    return str(folder / (cell if plain != cell and exists(str(folder / cell)) else plain))


def _decode(source: Picture) -> Image | str:
    """Returns pixels, or the reason why there are none."""
    if source is None:
        return "there is no picture in the cell"
    try:
        return to_pixels(open_picture(source))
    except DataError as error:
        return str(error)
