"""Tests that wheels are fetched, checked, read and never kept when they are wrong."""

import dataclasses
import hashlib
import importlib.util
import subprocess
import tempfile
from pathlib import Path

import pytest

from regraft.data.starters import reach, wheels
from regraft.data.starters.cache import built_folder
from regraft.data.starters.reach import PipPlaces
from regraft.data.starters.wheels import on_hand, open_wheel, say_on_stderr
from regraft.errors import DamagedFileError, UnreachableError
from tests.unit.data.starters.fabricated import package_in, serve, wheel_of

CLOSED = "http://127.0.0.1:9/simple"


def quiet(line: str) -> None:
    """Takes a line of progress and drops it."""


def test_members_come_sorted() -> None:
    assert wheel_of({"b": b"", "a": b""}).names() == ["a", "b"]


def test_a_member_with_the_right_digest_is_read() -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    assert wheel_of({"m": b"abc"}, {"m": digest}).read("m") == b"abc"


def test_a_member_with_another_digest_is_refused() -> None:
    with pytest.raises(DamagedFileError, match=r"m has the SHA-256 ba7816.*nothing of it was kept"):
        wheel_of({"m": b"abc"}, {"m": "0" * 64}).read("m")


def test_members_of_two_wheels_are_read_and_checked_as_those_of_one() -> None:
    wheel = wheel_of({"b": b"abc"})
    wheel.join_(wheel_of({"a": b"x"}, {"a": "0" * 64}))
    assert wheel.names() == ["a", "b"]
    assert wheel.read("b") == b"abc"
    with pytest.raises(DamagedFileError, match="a has the SHA-256"):
        wheel.read("a")


def test_a_missing_member_is_named() -> None:
    with pytest.raises(DamagedFileError, match=r"absent\.txt"):
        wheel_of({"m": b"abc"}).read("absent.txt")


def test_a_right_wheel_is_opened_and_its_folder_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_in(tmp_path, {"m": b"abc"})
    serve(package, tmp_path, monkeypatch=monkeypatch)
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    said: list[str] = []
    with open_wheel(package, {}, say=said.append) as wheel:
        assert wheel.read("m") == b"abc"
    assert list(place.iterdir()) == []
    assert said == [f"fetching regraft-tiny-starter 1.0 with pip ({package.size / 1e6:.1f} MB)"]


@pytest.mark.parametrize(("digest", "more"), [("0" * 64, 0), ("", 1)])
def test_a_wheel_with_another_digest_or_size_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digest: str, more: int
) -> None:
    package = package_in(tmp_path, {"m": b"abc"})
    package = dataclasses.replace(
        package, sha256=digest or package.sha256, size=package.size + more
    )
    serve(package, tmp_path, monkeypatch=monkeypatch)
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with (
        pytest.raises(DamagedFileError, match="not the wheel that was examined"),
        open_wheel(package, {}, say=quiet),
    ):
        pytest.fail("a wrong wheel was opened")
    assert list(place.iterdir()) == []


def test_a_right_digest_on_what_is_no_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = package_in(tmp_path, {})
    (tmp_path / package.wheel).write_bytes(b"no archive")
    digest = hashlib.sha256(b"no archive").hexdigest()
    package = dataclasses.replace(package, size=10, sha256=digest)
    serve(package, tmp_path, monkeypatch=monkeypatch)
    with pytest.raises(DamagedFileError, match="not a wheel"), open_wheel(package, {}, say=quiet):
        pytest.fail("no archive was opened")


def test_offline_starts_no_process_and_lists_what_is_on_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_OFFLINE", "1")
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    built_folder(tmp_path / "datasets" / "digits", lambda folder: None)
    for name in ("run", "Popen"):
        monkeypatch.setattr(subprocess, name, lambda *a, **k: pytest.fail("a process was started"))
    package = package_in(tmp_path, {})
    with pytest.raises(UnreachableError) as caught, open_wheel(package, {}, say=quiet):
        pytest.fail("something was opened")
    message = str(caught.value)
    assert "REGRAFT_OFFLINE forbids the network" in message
    assert package.wheel in message
    assert f"{tmp_path}, which has starter:digits" in message
    assert "\n" not in message


def test_a_python_without_pip_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGRAFT_OFFLINE", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with (
        pytest.raises(UnreachableError, match="this Python has no pip"),
        open_wheel(package_in(tmp_path, {}), {}, say=quiet),
    ):
        pytest.fail("something was opened")


def test_a_registry_that_does_not_answer_is_named_without_calling_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGRAFT_OFFLINE", raising=False)
    monkeypatch.setattr(wheels, "pip_places", lambda: PipPlaces((CLOSED,), (), False, ""))
    monkeypatch.setattr(wheels, "_run_pip", lambda *a, **k: pytest.fail("pip was called"))
    with (
        pytest.raises(UnreachableError, match=rf"no package registry answered \(asked: {CLOSED}"),
        open_wheel(package_in(tmp_path, {}), {}, say=quiet),
    ):
        pytest.fail("something was opened")


@pytest.mark.parametrize(("taken", "left"), [(0.5, 2.0), (1.0, 1.5), (9.0, 1.0)])
def test_what_pip_takes_to_tell_its_places_is_taken_off_the_probe(
    taken: float, left: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, asked = [0.0], list[float]()

    def slow() -> PipPlaces:
        clock.append(taken)
        return PipPlaces((CLOSED,), (), False, "")

    def silent(_: PipPlaces, *, seconds: float) -> bool:
        asked.append(seconds)
        return False

    monkeypatch.delenv("REGRAFT_OFFLINE", raising=False)
    for module in (reach, wheels):
        monkeypatch.setattr(module, "monotonic", lambda: clock[-1])
    monkeypatch.setattr(wheels, "pip_places", slow)
    monkeypatch.setattr(PipPlaces, "answer", silent)
    with pytest.raises(UnreachableError), open_wheel(package_in(tmp_path, {}), {}, say=quiet):
        pytest.fail("something was opened")
    assert asked == [left]


@pytest.mark.parametrize(
    ("places", "reachable", "expected"),
    [
        (PipPlaces(("http://a",), (), True, ""), True, {}),
        (PipPlaces(("http://a",), (), True, ""), False, {"PIP_NO_INDEX": "1"}),
        (
            PipPlaces(("http://a",), ("file:///x",), False, ""),
            False,
            {"PIP_INDEX_URL": "file:///x", "PIP_EXTRA_INDEX_URL": "file:///x"},
        ),
        (PipPlaces((), (), True, ""), False, {}),
    ],
)
def test_pip_is_kept_from_waiting_for_a_registry_that_is_silent(
    places: PipPlaces, reachable: bool, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("PIP_NO_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    environment = wheels._environment(places, reachable)
    assert {name: environment[name] for name in names if name in environment} == expected


def test_pips_own_reason_is_told_and_its_warnings_are_not() -> None:
    words = "WARNING: Location x is ignored\nERROR: No matching distribution\nWARNING: old pip\n"
    assert wheels._last_error(words) == "pip failed: ERROR: No matching distribution"


def test_progress_is_told_while_pip_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "part").write_bytes(b"x" * 2_000_000)
    outcomes = iter([subprocess.TimeoutExpired("pip", 5), None])

    class Process:
        def wait(self, seconds: float) -> int:
            outcome = next(outcomes)
            if outcome is not None:
                raise outcome
            return 0

    said: list[str] = []
    package = dataclasses.replace(package_in(tmp_path / "..", {}), size=4_000_000)
    wheels._follow(Process(), tmp_path, package=package, say=said.append)  # type: ignore[arg-type]
    assert said == ["  2.0 MB of 4.0 MB of regraft-tiny-starter"]


def test_progress_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say_on_stderr("a line")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "a line\n")


def test_only_finished_folders_are_on_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path))
    built_folder(tmp_path / "models" / "minilm", lambda folder: None)
    (tmp_path / "datasets" / "half").mkdir(parents=True)
    assert on_hand() == ["starter:minilm"]
