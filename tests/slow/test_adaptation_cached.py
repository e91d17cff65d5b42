"""An adaptation answers alike whether its features were kept, read again or never written."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import regraft
from regraft.data.starters.cache import cache_folder
from regraft.data.starters.datasets import TABLE, open_dataset

pytestmark = pytest.mark.real
SAME = 0.995
"""Share of the target's rows on which the answers must be the same."""
PAIRS = {
    "text": ("sentiment-movie", "sentiment-product", "starter:minilm", {"max_length": 32}),
    "image": ("digits", "digits-m", "starter:efficientnet-lite0", {"image_size": 64}),
}
ROWS = 240


def table_of(name: str, place: Path) -> Path:
    """Writes the first rows of a starter, each class as often, and returns their place."""
    folder = open_dataset(name)
    if (folder / TABLE).exists():
        found = pq.read_table(folder / TABLE).select(["text", "label"]).to_pylist()
        rows = [(row["text"], str(row["label"])) for row in found]
        column = "text"
    else:
        places = sorted((folder / "train").glob("*/*"))
        rows = [(str(each), each.parent.name) for each in places]
        column = "image"
    labels = sorted({label for _, label in rows})
    most = ROWS // len(labels)
    few = [row for each in labels for row in [r for r in rows if r[1] == each][:most]]
    pq.write_table(pa.table({column: [r[0] for r in few], "label": [r[1] for r in few]}), place)
    return place


@pytest.fixture
def _own_features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives the test a cache that has networks and data, and no features."""
    usual, own = cache_folder(), tmp_path / "cache"
    own.mkdir()
    for name in ("models", "datasets", "probes"):
        (usual / name).mkdir(parents=True, exist_ok=True)
        (own / name).symlink_to(usual / name)
    monkeypatch.setenv("REGRAFT_CACHE", str(own))


def answers(run: Path, target: Path) -> list[str]:
    return [str(each) for each in regraft.predict(run, str(target)).table["prediction"].to_pylist()]


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.usefixtures("_own_features")
def test_kept_read_and_recomputed_features_adapt_alike(kind: str, tmp_path: Path) -> None:
    source, target, backbone, extent = PAIRS[kind]
    places = [table_of(name, tmp_path / f"{name}.parquet") for name in (source, target)]
    options: dict[str, Any] = {"backbone": backbone, "baselines": False, **extent}
    given = []
    for name, cache in (("kept", True), ("read", True), ("recomputed", False)):
        run = tmp_path / name
        result = regraft.adapt(
            str(places[0]), target=str(places[1]), cache=cache, out=run, **options
        )
        assert result["freezing"]["proof"]["holds"]
        given.append((result["chosen"], answers(run, places[1])))
    (chosen, first), *others = given
    for name, found in others:
        assert name == chosen
        assert np.mean([a == b for a, b in zip(first, found, strict=True)]) >= SAME
