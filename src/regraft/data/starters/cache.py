"""Makes finished folders and files in the cache, whole or not at all."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import filelock
import platformdirs

from regraft.errors import StorageError

MANIFEST = ".manifest.json"
_MANY = 100
T = TypeVar("T")


def cache_folder() -> Path:
    """Returns the cache place: `REGRAFT_CACHE`, or the platform's place for caches."""
    chosen = os.environ.get("REGRAFT_CACHE")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("regraft"))


def is_intact(folder: Path) -> bool:
    """Says whether a folder is finished and each of its files has the size it was made with."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def built_folder(target: Path, fill: Callable[[Path], None]) -> Path:
    """Returns a finished folder, built now if it is missing or damaged.

    Two processes may ask at once: with locks the second waits, without locks (some network
    disks) both build and the first to finish wins.

    Args:
        target: Where the folder is or will be.
        fill: Writes all files into an empty folder that it is given.

    Raises:
        StorageError: If the place cannot be written.
    """
    if is_intact(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(target):
            if not is_intact(target):
                _build(target, fill)
    except OSError as error:
        raise StorageError(
            f"{target} could not be written ({error.strerror or error})",
            hint="REGRAFT_CACHE=FOLDER with another folder",
        ) from error
    return target


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Holds the lock of a target where the file system has locks."""
    lock = filelock.FileLock(target.with_name(f".{target.name}.lock"))
    with contextlib.suppress(OSError, NotImplementedError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(target: Path, fill: Callable[[Path], None]) -> None:
    """Fills a temporary sibling and puts it in the target's place."""
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    try:
        fill(folder)
        _write_manifest(folder)
        folder.chmod(0o755)
        _publish(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, target: Path) -> None:
    """Renames a finished folder into place; one that is intact there already stays."""
    if target.exists() and not is_intact(target):
        _set_aside(target)
    try:
        folder.rename(target)
    except OSError:
        if not is_intact(target):
            raise
    _sync(target.parent)


def _set_aside(target: Path) -> None:
    """Removes a damaged folder in one step as others see it."""
    grave = Path(tempfile.mkdtemp(prefix=f".{target.name}.damaged-", dir=target.parent))
    with contextlib.suppress(FileNotFoundError):  # another process was first
        target.rename(grave / target.name)
    shutil.rmtree(grave, ignore_errors=True)


def _write_manifest(folder: Path) -> None:
    """Records size and digest of every file, last, so that its presence says finished."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    _sync_all(files)
    entries = {path.relative_to(folder).as_posix(): _entry(path) for path in files}
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"files": entries}, indent=1), encoding="utf-8")
    for path in [manifest, *{path.parent for path in files}, folder]:
        _sync(path)


def _sync_all(files: list[Path]) -> None:
    """Brings files to the disk; for thousands of small ones the system's own call is faster."""
    if len(files) > _MANY and hasattr(os, "sync"):
        os.sync()
        return
    for path in files:
        _sync(path)


def _entry(path: Path) -> dict[str, str | int]:
    """Describes one file, which everybody who may see the cache may read."""
    path.chmod(0o644)
    return {"bytes": path.stat().st_size, "sha256": file_digest(path)}


def kept_first(place: Path, made: T, *, text: str, read: Callable[[Path], T | None]) -> T:
    """Returns what stands in a file: what another process wrote first, else what was made.

    So two processes that measure at once go on alike. A place that cannot be written costs a
    new measurement, no more.

    Args:
        place: The file, made now where there is none of use.
        made: By this process.
        text: That says it.
        read: Returns what a file says; None where it is of no use.
    """
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_suffix(f".{uuid.uuid4().hex}")
        try:
            draft.write_text(text, encoding="utf-8")
            _name_first(draft, place, taken=lambda: read(place) is not None)
        finally:
            draft.unlink(missing_ok=True)  # half-written, where the disk is full
    found = read(place)
    return made if found is None else found


def _name_first(draft: Path, place: Path, *, taken: Callable[[], bool]) -> None:
    """Gives a draft its name, unless another process was first with something of use."""
    try:
        os.link(draft, place)  # unlike a renaming it never replaces
    except OSError:  # a file is there, or the file system has no links
        with filelock.FileLock(place.with_suffix(".lock")):
            if not taken():
                draft.replace(place)


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Brings a file or folder to the disk; folders cannot be opened on Windows."""
    if os.name == "nt" and path.is_dir():
        return
    number = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(number)
    finally:
        os.close(number)
