"""Makes upright grey or RGB pictures from files, bytes and arrays that nobody vouches for."""

import errno
import io
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as Pil
from PIL import ImageFile, ImageOps

from regraft.data.rows import Image
from regraft.errors import DataError, RegraftError, StorageError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""The only decoders that are ever called: the rare ones are where the holes are."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
PIXEL_LIMIT = 50_000_000
LONG_PATH = 1000
"""Characters from which a word is no path."""
_PATHS = 0.9
"""Share of the words from which they are paths: an odd one among them makes no texts of them."""
LARGE = 1024
"""Shorter side in pixels from which a file may be decoded at a smaller scale; from which, too,
nobody keeps its pixels: a file is seen in one way, in training and after."""
SPARE = 2
"""How many times the side that is wanted a JPEG keeps when it is decoded at a smaller scale:
the resize that follows then hardly differs (Pillow's own `reducing_gap` for thumbnails)."""
_SIXTEEN_BITS = 65_535
_WIDE_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_HEADER_LOCK = threading.Lock()
"""Filters of warnings belong to the whole process."""
_REFUSALS = {
    getattr(errno, name, -1)
    for name in (
        *("EIO", "ESTALE", "ENOTCONN", "EHOSTDOWN", "ETIMEDOUT"),
        *("EMFILE", "ENFILE", "ENOSPC", "EDQUOT"),
    )
}
"""What a system says of itself and not of one file; what decoders raise has no number."""
S = TypeVar("S")
T = TypeVar("T")


def open_picture(source: str | Path | bytes | Image, *, side: int | None = None) -> Pil.Image:
    """Returns the whole picture, upright, in mode L or RGB.

    Args:
        source: A path, an encoded file as bytes, or pixels (H, W), (H, W, 1) or (H, W, 3).
        side: What its shorter side will be made, in pixels: a `LARGE` JPEG that is
            `2 * SPARE` times that or more is decoded at a half, a quarter or an eighth of its
            scale, which costs a fraction.

    The first frame stands for an animation; transparency is laid on white; 16 bits are
    scaled to 8.

    Raises:
        DataError: If the file is missing, no plain file, one that may not be read, of another
            format, damaged, cut off or larger than `PIXEL_LIMIT`, or the array is none of a
            picture.
        StorageError: If the disk says no.
    """
    if isinstance(source, np.ndarray):
        return Pil.fromarray(decode(source))
    shown = str(source) if isinstance(source, str | Path) else "the picture"
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else _plain_file(source, shown)
        with _open_header(file) as picture:
            _check_size(picture, shown)
            if side is not None and min(picture.size) >= LARGE:
                # Other formats know no scale, and leave the picture as it is.
                picture.draft(None, (SPARE * side, SPARE * side))
            return whole_picture(picture, shown)
    except RegraftError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"there is no file '{shown}'") from error
    except Exception as error:
        raise _not_read(shown, error) from error


def whole_picture(picture: Pil.Image, shown: str) -> Pil.Image:
    """Returns a picture that somebody opened as `open_picture` returns it.

    Args:
        picture: In any mode, decoded or not.
        shown: How messages call it.

    Raises:
        DataError: If it is damaged, cut off or larger than `PIXEL_LIMIT`.
        StorageError: If the disk says no.
    """
    _check_size(picture, shown)
    try:
        with _STRICT:
            picture.load()
        return _as_grey_or_rgb(_upright(picture))
    except DataError:
        raise
    except Exception as error:
        raise _not_read(shown, error) from error


def on_all_cores(function: Callable[[S], T], sources: Sequence[S]) -> Iterator[T]:
    """Yields what a function makes of each source, in order, by as many threads as cores.

    Decoders and resizes let go of the interpreter's lock; pixels that are in memory already
    are hardly worth a thread.

    Args:
        function: Decodes, or decodes and resizes.
        sources: Pictures.
    """
    if all(isinstance(source, np.ndarray) for source in sources):
        yield from map(function, sources)
        return
    cores = _cores()
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(cores) as threads:
        for source in sources:
            waiting.append(threads.submit(function, source))
            # What is decoded and not yet taken is a few pictures, however slow the taker is.
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def decode(array: npt.NDArray[Any]) -> Image:
    """Returns pixels of 0..255, (H, W) or (H, W, 3), from an array.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); whole numbers in 0..255 or
            fractions in 0..1.

    Raises:
        DataError: If the shape or the range is another one.
    """
    pixels = _as_bytes(_checked_shape(array))
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[:, :, 0])
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        return to_pixels(_as_grey_or_rgb(Pil.fromarray(pixels)))
    return np.ascontiguousarray(pixels)


def to_pixels(picture: Pil.Image) -> Image:
    """Returns the pixels of a picture of mode L, (H, W), or RGB, (H, W, 3)."""
    return np.array(picture, dtype=np.uint8)


def are_paths(words: Sequence[str]) -> bool:
    """Says whether nearly all words end as files of pictures do.

    >>> are_paths(["a.png", "b.txt"]), are_paths(["a.png"] * 9 + ["b.heic"]), are_paths([])
    (False, True, False)
    """
    ending = sum(_ends_as_picture(word) for word in words)
    return ending > 0 and ending >= _PATHS * len(words)


def holds_pictures(folder: Path) -> bool:
    """Says whether pictures are in a folder, or in one of its folders."""
    inside = (each for pattern in ("*", "*/*") for each in folder.glob(pattern))
    return any(_ends_as_picture(each.name) for each in inside)


def folders_in(columns: Iterable[Iterable[str | None]]) -> set[str]:
    """Returns the names of the folders in all paths of pictures.

    Args:
        columns: Cells of any kind; those that do not end as pictures do are passed over.
    """
    words = (cell.strip() for cells in columns for cell in cells if cell)
    paths = (word.replace("\\", "/") for word in words if _ends_as_picture(word))
    return {name for path in paths for name in path.split("/")[:-1]}


def is_grey(pixels: Image) -> bool:
    """Says whether pixels, (H, W) or (H, W, 3), are without colour."""
    return pixels.ndim == 2 or bool((pixels == pixels[:, :, :1]).all())


def _ends_as_picture(word: str) -> bool:
    return len(word) < LONG_PATH and word.lower().endswith(PICTURE_SUFFIXES)


def _cores() -> int:
    """Returns the cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _plain_file(source: str | Path, shown: str) -> str | Path:
    """Returns a path, unless what is there is no file: reading a pipe would wait for ever."""
    path = Path(source)
    if path.exists() and not path.is_file():
        raise DataError(f"{shown} is no file", expected="a picture")
    return source


def _open_header(file: str | Path | io.BytesIO) -> Pil.Image:
    with _HEADER_LOCK, warnings.catch_warnings():
        # Pillow warns of large pictures before we can look; our own limit is lower.
        warnings.simplefilter("ignore")
        return Pil.open(file, formats=FORMATS)


def _not_read(shown: str, error: Exception) -> RegraftError:
    """Returns what is said of a damaged or closed file, or of a disk that fails.

    Decoders raise whatever they like: OSError, SyntaxError, struct.error …
    """
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return StorageError(f"{shown} cannot be read ({error.strerror})")
    if isinstance(error, PermissionError):  # a property of this file alone
        return DataError(f"{shown} cannot be read ({error.strerror})")
    reason = str(error).split("<")[0].strip() or type(error).__name__
    listed = ", ".join(FORMATS)
    return DataError(f"{shown} cannot be decoded ({reason})", expected=f"whole {listed}")


class _Strict:
    """Has Pillow refuse what is cut off while a thread decodes, whatever the program told it."""

    def __init__(self) -> None:
        self._lock, self._inside, self._lenient = threading.Lock(), 0, False

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._lenient = ImageFile.LOAD_TRUNCATED_IMAGES
                ImageFile.LOAD_TRUNCATED_IMAGES = False
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            # The last one out: what others still decode must not be taken for whole.
            if self._lenient and not self._inside:
                ImageFile.LOAD_TRUNCATED_IMAGES = True


_STRICT = _Strict()


def _check_size(picture: Pil.Image, shown: str) -> None:
    if picture.width * picture.height > PIXEL_LIMIT:
        raise DataError(
            f"{shown} has {picture.width} x {picture.height} pixels",
            expected=f"{PIXEL_LIMIT:,} pixels at most",
            hint="making it smaller",
        )


def _upright(picture: Pil.Image) -> Pil.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # A broken EXIF block says nothing of the pixels.
        return picture


def _as_grey_or_rgb(picture: Pil.Image) -> Pil.Image:
    if picture.mode in ("L", "RGB") and not picture.has_transparency_data:
        return picture
    if picture.mode in _WIDE_MODES:
        return Pil.fromarray(_narrowed(np.asarray(picture)))
    if picture.has_transparency_data:
        return _on_white(picture)
    if picture.mode == "1":
        return picture.convert("L")
    return picture.convert("RGB")


def _on_white(picture: Pil.Image) -> Pil.Image:
    grey = picture.mode in ("LA", "La", "L", "1")
    layers = picture.convert("RGBA")
    whole = Pil.alpha_composite(Pil.new("RGBA", layers.size, "white"), layers)
    return whole.convert("L" if grey else "RGB")


def _narrowed(values: npt.NDArray[Any]) -> Image:
    """Returns 8 bits from 16, or from fractions in 0..1."""
    if values.dtype.kind == "f":
        return _as_bytes(values)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > _SIXTEEN_BITS:
        raise DataError(f"the picture has values from {low} to {high}", expected="0 to 65535")
    return np.round(values / 257.0).astype(np.uint8)


def _checked_shape(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or array.size == 0:
        first = array.ndim == 3 and array.shape[0] in (1, 3)
        raise DataError(
            f"an array of shape {array.shape} is no picture",
            expected="shape (H, W), (H, W, 1) or (H, W, 3)",
            hint="array.transpose(1, 2, 0)" if first else "",
        )
    return array


def _as_bytes(array: npt.NDArray[Any]) -> Image:
    if array.dtype == np.uint8:
        return array
    fractions = array.dtype.kind == "f"
    limit = 1 if fractions else 255
    if array.dtype.kind not in "fiu" or not bool(((array >= 0) & (array <= limit)).all()):
        raise DataError(
            f"an array of {array.dtype} with values outside of 0 to {limit} is no picture",
            expected="whole numbers in 0..255 or fractions in 0..1",
        )
    return np.round(array * 255).astype(np.uint8) if fractions else array.astype(np.uint8)
