"""Decides which reader a source needs and makes a table of it."""

import errno
import re
from dataclasses import replace
from pathlib import Path

from regraft.data.reading.archives import ARCHIVE_SUFFIXES, archive_stem, is_archive, unpack
from regraft.data.reading.folders import read_files, read_folder
from regraft.data.reading.frames import read_frame
from regraft.data.reading.hub import read_hub
from regraft.data.reading.pictures import PICTURE_SUFFIXES
from regraft.data.reading.tables import (
    OTHER_SUFFIXES,
    TABLE_SUFFIXES,
    Table,
    missing_path,
    read_table,
)
from regraft.data.starters.catalogue import DATASETS
from regraft.data.starters.datasets import open_dataset
from regraft.data.starters.wheels import Say, say_nothing
from regraft.errors import DataError, RegraftError, StorageError, one_of

STARTER = "starter:"
HUB = "hf:"
_NAMED = re.compile(r"(starter|hf):\S+")
_SUFFIXES = (*TABLE_SUFFIXES, *ARCHIVE_SUFFIXES, *PICTURE_SUFFIXES, *OTHER_SUFFIXES, ".txt")


def open_source(source: object, *, say: Say = say_nothing) -> Table:
    """Returns the table of a path, a name (`starter:NAME`, `hf:owner/name`) or an object.

    Args:
        source: What the user gave.
        say: Takes one line of progress.

    Raises:
        DataError: If there is no such thing, or it cannot be understood.
        StorageError: If a permission or the disk says no.
    """
    try:
        return _open(source, say)
    except OSError as error:
        raise _refused(source, error) from error


def exists(word: str) -> bool:
    """Says whether a word is the name of something on the disk, readable or not."""
    try:
        return bool(word) and Path(word).exists()  # No word would be the current folder.
    except PermissionError:  # A folder that must not be entered: opening will say so.
        return True
    except (OSError, ValueError):  # A long text is no name of a file, nor one with NUL.
        return False


def is_named(word: str) -> bool:
    """Says whether a word is `starter:NAME` or `hf:NAME`, and no text that begins like one.

    >>> [is_named(word) for word in ("starter:pets", "hf:a/b", "starter: the soup was cold")]
    [True, True, False]
    """
    if _NAMED.fullmatch(word):
        return True
    # A folder that the datasets library saved may have blanks in its name.
    return word.startswith(HUB) and exists(word.removeprefix(HUB))


def _refused(source: object, error: OSError) -> RegraftError:
    if error.errno == errno.ENAMETOOLONG:
        return DataError(f"'{str(source)[:40]}…' is too long for a path", expected="data")
    reason = error.strerror or error
    return StorageError(f"{error.filename or source} cannot be read ({reason})")


def _open(source: object, say: Say) -> Table:
    if isinstance(source, Path):
        return _open_path(source)
    if not isinstance(source, str):
        return read_frame(source)
    if not source:
        raise missing_path(source)
    if source.startswith(STARTER):
        name = source.removeprefix(STARTER)
        return replace(_open_path(open_dataset(name, say=say)), name=name)
    if source.startswith(HUB):
        return read_hub(source.removeprefix(HUB))
    if source in DATASETS and not exists(source):
        raise DataError(f"there is no file or folder '{source}'", hint=f"{STARTER}{source}")
    return _open_path(Path(source))


def looks_like_path(word: str) -> bool:
    """Says whether a single word can only be meant as a path: a known suffix, a separator.

    >>> [looks_like_path(word) for word in ("pets.csv", "a/b", "good", "I like a/b", "真的好/坏")]
    [True, True, False, False, False]
    """
    if len(word.split()) != 1:
        return False
    return word.lower().endswith(_SUFFIXES) or _is_separated(word)


def _is_separated(word: str) -> bool:
    """Says whether a word has folders: beside other letters a slash may also mean `or`."""
    folder, slash, _ = word.replace("\\", "/").rpartition("/")
    return bool(slash) and (word.isascii() or exists(folder or "/"))


def _open_path(path: Path) -> Table:
    if not path.exists():
        raise missing_path(path)
    if path.is_dir():
        return read_folder(path)
    if is_archive(path):
        table = read_folder(unpack(path), str(path))
        return replace(table, name=archive_stem(path), sealed=True)
    if path.suffix.lower() in (*PICTURE_SUFFIXES, ".txt"):
        return read_files([str(path)])
    if path.suffix.lower() in TABLE_SUFFIXES:
        return read_table(path)
    raise DataError(
        f"{path} is of a kind that cannot be read",
        expected="a folder or " + one_of((*TABLE_SUFFIXES, *ARCHIVE_SUFFIXES)),
    )
