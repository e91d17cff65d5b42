"""Tests that servers are probed briefly and that pip's own places are understood."""

import socket
import subprocess
import threading
from collections.abc import Iterator

import pytest

from regraft.data.starters import reach
from regraft.data.starters.reach import PipPlaces, answers, offline, pip_places, seconds_left


@pytest.fixture
def listening() -> Iterator[int]:
    """The port of a server on this machine that accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port on this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def listing(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """Lets pip's configuration read as given."""
    done = subprocess.CompletedProcess([], 0, stdout=words)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: done)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("true", True), ("0", False), ("", False), ("no", False), (" 1 ", True)],
)
def test_the_network_is_forbidden_by_the_variable(
    value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGRAFT_OFFLINE", value)
    assert offline() is expected


def test_a_server_that_listens_answers(listening: int) -> None:
    assert answers(f"http://127.0.0.1:{listening}/simple")


def test_a_closed_port_does_not_answer(closed: int) -> None:
    assert not answers(f"http://127.0.0.1:{closed}/simple")


def test_a_look_up_that_hangs_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()

    def hang(*_: object, **__: object) -> socket.socket:
        done.wait(30)
        return socket.socket()

    monkeypatch.setattr(socket, "create_connection", hang)
    assert not answers("https://a.place.that.hangs", seconds=0.01)
    done.set()


def test_the_proxy_is_asked_instead_of_the_server(
    listening: int, closed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed}")
    assert not answers(f"http://127.0.0.2:{listening}/simple")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{listening}")
    assert answers(f"http://192.0.2.1:{closed}/simple")


def test_without_settings_pip_asks_its_own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, "")
    assert pip_places() == PipPlaces(("https://pypi.org/simple",), (), False, "")


def test_variables_win_over_files_and_indexes_on_the_disk_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listing(
        monkeypatch,
        ":env:.index-url='https://mirror/simple'\n"
        "global.extra-index-url='file:///a http://b/simple'\n"
        "global.index-url='https://other/simple'\n"
        "global.find-links='/wheels'\n"
        "global.proxy='proxy:3128'\n",
    )
    assert pip_places() == PipPlaces(
        remote=("https://mirror/simple", "http://b/simple"),
        local=("file:///a",),
        links=True,
        proxy="http://proxy:3128",
    )


def test_no_index_leaves_loose_wheels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    listing(monkeypatch, ":env:.no-index='1'\n:env:.find-links='/wheels'\n")
    assert pip_places() == PipPlaces((), (), True, "")


def test_the_proxy_that_pip_was_told_of_is_asked(listening: int, closed: int) -> None:
    remote = (f"http://127.0.0.1:{closed}/simple",)
    assert not PipPlaces(remote, (), False, "").answer(seconds=2)
    assert PipPlaces(remote, (), False, f"http://127.0.0.1:{listening}").answer(seconds=2)


def test_one_registry_that_answers_is_enough(listening: int, closed: int) -> None:
    remote = tuple(f"http://127.0.0.1:{port}/simple" for port in (closed, listening))
    assert PipPlaces(remote, (), False, "").answer(seconds=2)


def test_names_and_ports_of_addresses_are_understood() -> None:
    assert reach._first_hop("https://pypi.org/simple") == ("pypi.org", 443)
    assert reach._first_hop("http://pypi.local:81/simple") == ("pypi.local", 81)


@pytest.mark.parametrize(("now", "left"), [(5.0, 2.5), (6.0, 1.5), (9.0, 1.0)])
def test_what_came_before_a_probe_is_taken_off_it_but_for_a_second(
    now: float, left: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "monotonic", lambda: now)
    assert seconds_left(5.0) == left
