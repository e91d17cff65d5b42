"""Unpacks .zip and .tar archives member by member into a fresh folder, within limits."""

import atexit
import errno
import gzip
import io
import lzma
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from regraft.errors import DataError, StorageError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
_CHUNK = 1 << 20
_UTF8 = 0x800
"""Says in the flags of a member that its name is UTF-8; else it is meant to be cp437."""
_HANZI = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")
"""The usual Chinese letters; no word of the languages that cp437 is for has such a pair."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Args:
        members: Files.
        size: Bytes of all files together.
        ratio: Bytes that come out for each byte of the archive, counted beyond `grace`.
        grace: Bytes that may come out at any ratio.
    """

    members: int = 500_000
    size: int = 20 << 30
    ratio: int = 200
    grace: int = 32 << 20


_Member = tuple[str, IO[bytes]]
_USUAL = Limits()


def is_archive(path: Path) -> bool:
    """Says whether the name of a file is that of an archive we read."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def archive_stem(path: Path) -> str:
    """Returns the name of an archive without its suffix.

    >>> archive_stem(Path("a/pets.tar.gz"))
    'pets'
    """
    name = path.name
    ends = [end for end in ARCHIVE_SUFFIXES if name.lower().endswith(end)]
    return name[: -max(map(len, ends))] if ends else name


def unpack(path: Path, *, limits: Limits = _USUAL) -> Path:
    """Returns a fresh folder with the files of an archive; it goes when the process ends.

    Links, devices, absolute names and names with `..` are refused, not skipped: an archive
    that has one is not what it says. Hidden files are skipped.

    Raises:
        DataError: If the archive is damaged, locked, beyond a limit, or has such a member.
        StorageError: If the disk is full.
    """
    folder = Path(tempfile.mkdtemp(prefix="regraft-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        with path.open("rb") as file:
            _write_members(path, _members(path, file, limits=limits), folder=folder, limits=limits)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError) as error:
        raise DataError(f"{path} is damaged: {error}") from error
    except (OSError, RuntimeError, NotImplementedError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise StorageError(f"the disk under {folder} is full") from error
        raise DataError(f"{path} cannot be unpacked: {error}") from error
    return folder


def _members(path: Path, file: IO[bytes], *, limits: Limits) -> Iterator[_Member]:
    if path.name.lower().endswith(".zip"):
        return _zip_members(path, file)
    return _tar_members(path, file, limits=limits)


def _write_members(path: Path, members: Iterator[_Member], *, folder: Path, limits: Limits) -> None:
    budget = _budget(path, limits)
    for count, (name, stream) in enumerate(members, 1):
        if count > limits.members:
            raise DataError(f"{path} holds more than {limits.members:,} files")
        parts = _safe_parts(path, name)
        if any(part.startswith((".", "__MACOSX")) for part in parts):
            continue
        target = folder.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        budget -= _copy(path, stream, target=target, budget=budget)


def _copy(path: Path, stream: IO[bytes], *, target: Path, budget: int) -> int:
    """Returns how many bytes were copied; an existing file is never written again."""
    copied = 0
    with target.open("xb") as out:
        while chunk := stream.read(_CHUNK):
            copied += len(chunk)
            if copied > budget:
                raise _too_much(path)
            out.write(chunk)
    return copied


def _budget(path: Path, limits: Limits) -> int:
    """Returns the bytes that may come out of an archive."""
    return min(limits.size, max(limits.grace, limits.ratio * path.stat().st_size))


def _too_much(path: Path) -> DataError:
    return DataError(
        f"{path} grows beyond what an archive of its size holds",
        hint="unpacking it yourself and giving the folder",
    )


def _safe_parts(path: Path, name: str) -> list[str]:
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    absolute = name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":")
    if absolute or ".." in parts or not parts or "\0" in name:
        raise DataError(
            f"{path} has a member named {name!r}", expected="names that stay inside the archive"
        )
    return parts


def _zip_members(path: Path, file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        plain = [info for info in archive.infolist() if not info.is_dir()]
        for info, name in zip(plain, _unicode_names(plain), strict=True):
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _not_plain(path, name)
            with archive.open(info) as stream:
                yield name, stream


def _unicode_names(members: list[zipfile.ZipInfo]) -> list[str]:
    """Returns the names as UTF-8 or Chinese where the archive holds that without saying so."""
    raw = [_raw_name(info) for info in members]
    # All at once: of a single Chinese letter nobody can say that it is none of UTF-8.
    chinese = _are_chinese(b"/".join(name for name in raw if name is not None))
    return [
        info.filename if name is None else _unicode_name(name, chinese)
        for info, name in zip(members, raw, strict=True)
    ]


def _raw_name(info: zipfile.ZipInfo) -> bytes | None:
    """Returns the bytes of a name, None where the archive says what they mean."""
    if info.flag_bits & _UTF8:
        return None
    try:
        return info.filename.encode("cp437")
    except UnicodeEncodeError:  # A field beside the name said so.
        return None


def _are_chinese(names: bytes) -> bool:
    """Says whether names that are not UTF-8 are in GB18030, as Windows writes them in China."""
    hanzi = sum(map(len, _HANZI.findall(names)))
    if not hanzi or hanzi < 0.8 * sum(byte >= 0x80 for byte in names) or _is(names, "utf-8"):
        return False
    return _is(names, "gb18030")


def _is(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _unicode_name(name: bytes, chinese: bool) -> str:
    if chinese:
        return name.decode("gb18030")
    return name.decode("utf-8" if _is(name, "utf-8") else "cp437")


def _tar_members(path: Path, file: IO[bytes], *, limits: Limits) -> Iterator[_Member]:
    # Long names are read whole before we see them, so the bytes are counted below tarfile.
    raw = gzip.GzipFile(fileobj=file) if not path.name.lower().endswith(".tar") else file
    counted = _Counted(path, raw, budget=_budget(path, limits) + (limits.members << 10))
    with tarfile.open(fileobj=counted, mode="r|") as archive:
        for member in archive:
            if not (member.isreg() or member.isdir()):
                raise _not_plain(path, member.name)
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is not None:
                yield member.name, stream


def _not_plain(path: Path, name: str) -> DataError:
    return DataError(f"{path} holds {name!r}, a link or a device", expected="plain files")


class _Counted(io.RawIOBase):
    """Passes bytes on until there were too many."""

    def __init__(self, path: Path, stream: IO[bytes] | gzip.GzipFile, *, budget: int) -> None:
        self._path = path
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._budget -= len(chunk)
        if self._budget < 0:
            raise _too_much(self._path)
        return chunk
