"""Makes tiny data and runs of the command line, in this process and in others."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from regraft.cli.main import main
from tests import tiny


@dataclass(frozen=True)
class Outcome:
    """What a command line came to."""

    code: int
    out: str
    err: str


Type = Callable[..., Outcome]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Type:
    """Runs `regraft` with the given words in this process."""

    def run(*words: object) -> Outcome:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


def started(*words: object, cache: Path) -> Outcome:
    """Runs `python -m regraft` with the given words in a process of its own."""
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(cache),
        "REGRAFT_CACHE": str(cache),
        "REGRAFT_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "regraft", *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=surroundings, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def _own_cache(session_cache: Path) -> Iterator[None]:
    """The cache of the tests, for what is made before the first of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(session_cache))
        patch.setenv("REGRAFT_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 240 texts."""
    texts, labels = tiny.toy_texts(240)
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    return tiny.write_csv(path, {"text": texts, "label": labels})


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two folders of images, 60 in all."""
    return tiny.image_folders(tmp_path_factory.mktemp("images") / "tiles", 60)


@pytest.fixture(scope="session")
def fitted(
    session_cache: Path, reviews: Path, bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    """A run on texts that a process of its own made, with what it printed."""
    run = tmp_path_factory.mktemp("runs") / "reviews"
    words = ("fit", reviews, "--backbone", bert, "--epochs", 1, "--out", run, "--json")
    return run, started(*words, cache=session_cache)


@pytest.fixture
def run(fitted: tuple[Path, Outcome]) -> Path:
    """The folder of the run on texts."""
    folder, outcome = fitted
    assert outcome.code == 0, outcome.err
    return folder
