"""On data with a split, `evaluate` gives the scores on test rows that `fit` gave."""

from pathlib import Path

from regraft.runs.evaluate import evaluate
from regraft.runs.fit import run_fit
from regraft.settings import FitSettings
from regraft.training.progress import Silent
from tests import tiny


def test_the_scores_are_those_of_the_fit(bert: Path, tmp_path: Path) -> None:
    texts, labels = tiny.toy_texts(60)
    parts = ["test" if row % 4 == 1 else "train" for row in range(60)]
    # Two wrong labels, so that these scores are those of no other rows.
    labels[1], labels[5] = "pos", "pos"
    columns = {"review": texts, "stars": labels, "part": parts}
    data = tiny.write_csv(tmp_path / "reviews.csv", columns)
    settings = FitSettings(
        data=str(data), out=tmp_path / "run", backbone=str(bert), epochs=1, baselines=False
    )
    fitted = run_fit(settings, Silent())
    scored = evaluate(tmp_path / "run", str(data))
    assert scored["scores"] == fitted["scores"]
    assert scored["data"]["rows"] == {"test": fitted["data"]["rows"]["test"]}
    assert scored["data"]["columns"] == fitted["data"]["columns"]
