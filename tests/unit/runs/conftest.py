"""Makes two finished runs on tiny networks, once for all tests of the verbs.

These have all that a run has; the others are spared what takes time and is tested elsewhere.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from regraft.runs.fit import run_fit
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests import tiny


@pytest.fixture(scope="session")
def _own_cache(session_cache: Path) -> Iterator[None]:
    """The cache of the tests, for what is made before the first of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(session_cache))
        patch.setenv("REGRAFT_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 240 texts, 24 of which are test rows."""
    texts, labels = tiny.toy_texts(240)
    path = tmp_path_factory.mktemp("data") / "reviews.csv"
    return tiny.write_csv(path, {"text": texts, "label": labels})


@pytest.fixture(scope="session")
def text_run(
    _own_cache: None, reviews: Path, bert: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A finished run on texts, its trunk tuned for one epoch, baselines beside it."""
    out = tmp_path_factory.mktemp("runs") / "texts"
    settings = FitSettings(data=str(reviews), out=out, backbone=str(bert), epochs=1)
    run_fit(settings, Silent())
    return out


@pytest.fixture(scope="session")
def image_run(_own_cache: None, resnet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run on 60 images: few enough for folds."""
    data = tiny.image_folders(tmp_path_factory.mktemp("images") / "tiles", 60)
    out = tmp_path_factory.mktemp("runs") / "images"
    settings = FitSettings(data=str(data), out=out, backbone=str(resnet), strategy="head")
    run_fit(settings, Silent())
    return out


@pytest.fixture(autouse=True)
def _quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the pictures of reports undrawn: `unit/reports` and `end_to_end` draw them."""
    tiny.quick_pages(monkeypatch)


@pytest.fixture(autouse=True)
def _one_penalty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a head be solved once: `unit/training/heads` and `end_to_end` choose its penalty."""
    tiny.heads_of_one_penalty(monkeypatch)
