"""Makes every test offline, private in its cache and told where the shared data is."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from regraft.errors import UnreachableError

ROOT = Path(__file__).resolve().parents[1]
SLOW = ROOT / "tests" / "slow"
WANT_OF_DATA = "shared data missing"
WANT_OF_STARTER = "starter not in the cache"
REAL_CACHE = os.environ.get("REGRAFT_CACHE")
REAL_OFFLINE = os.environ.get("REGRAFT_OFFLINE")

# One thread of BLAS in each of the processes that share the tests; read when numpy is imported.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# No time is asserted anywhere: a busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def shared_folder() -> Path:
    """Returns the folder of the shared data, which need not exist."""
    return Path(os.environ.get("REGRAFT_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the real data sets; skips the test where it is missing."""
    folder = shared_folder()
    if not (folder / "data").is_dir():
        pytest.skip(f"{WANT_OF_DATA}: {folder}/data (set REGRAFT_SHARED)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """One torch thread: on tiny tensors more of them only wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def real_fsync() -> Iterator[Callable[[int], None]]:
    """The system's own call, which waits for the disk; all but who asks for it go without."""
    real = os.fsync
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: None)
        yield real


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all tests but those marked `real`, empty at the start."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random text network, 32 wide and 2 layers deep."""
    from tests import tiny

    return tiny.text_backbone(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def resnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random image network of two small stages."""
    from tests import tiny

    return tiny.image_backbone(tmp_path_factory.mktemp("resnet"))


@pytest.fixture(autouse=True)
def _surroundings(
    request: pytest.FixtureRequest, session_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sets the cache and the network of one test; a slow real test may download."""
    real = request.node.get_closest_marker("real") is not None
    slow = request.node.get_closest_marker("slow") is not None
    _set_or_drop(monkeypatch, "REGRAFT_CACHE", REAL_CACHE if real else str(session_cache))
    _set_or_drop(monkeypatch, "REGRAFT_OFFLINE", REAL_OFFLINE if real and slow else "1")


def _set_or_drop(monkeypatch: pytest.MonkeyPatch, name: str, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, value)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks everything under tests/slow as slow, so that no file can forget it."""
    for item in items:
        if item.path.is_relative_to(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Turns a starter that is missing offline into a skip, for tests marked `real`."""
    try:
        yield
    except UnreachableError as error:
        if item.get_closest_marker("real") is None or "REGRAFT_OFFLINE" not in os.environ:
            raise
        pytest.skip(f"{WANT_OF_STARTER}: {error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests were skipped for want of real data or of a starter."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    data = sum(WANT_OF_DATA in reason for reason in skipped)
    starters = sum(WANT_OF_STARTER in reason for reason in skipped)
    terminalreporter.write_line(
        f"{data} tests skipped for want of shared data ({shared_folder()}), "
        f"{starters} for want of a starter in the cache"
    )
