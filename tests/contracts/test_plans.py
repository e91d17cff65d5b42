"""A plan can be made and printed for every strategy and every modifier, on texts and images."""

from pathlib import Path

import pytest

from regraft.cli.plan import _write
from regraft.errors import SettingsError
from regraft.runs.plan import run_plan
from regraft.settings import FitSettings
from regraft.strategies.table import AUTO, MODIFIERS, STRATEGIES, make_strategy
from regraft.training.progress import Silent
from tests import tiny

EVERY = [*STRATEGIES, AUTO, *(f"two-stage+{name}" for name in MODIFIERS)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("data")
    texts, labels = tiny.toy_texts(240)
    own = tiny.write_csv(folder / "reviews.csv", {"text": texts, "label": labels})
    texts, labels = tiny.texts_elsewhere(40)
    other = tiny.write_csv(folder / "others.csv", {"text": texts, "label": labels})
    return {
        "text": str(own),
        "image": str(tiny.image_folders(folder / "pictures", 60)),
        "other text": str(other),
        "other image": str(tiny.dim_folders(folder / "dim", 40)),
    }


@pytest.mark.parametrize("kind", ["text", "image"])
@pytest.mark.parametrize("name", EVERY)
def test_a_plan_is_printed(
    name: str,
    kind: str,
    data: dict[str, str],
    bert: Path,
    resnet: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = data[f"other {kind}"] if make_strategy(name).needs_source else None
    settings = FitSettings(
        data=data[kind],
        backbone=str(bert if kind == "text" else resnet),
        strategy=name,
        source=source,
        precision="fp32",
        epochs=2,
    )
    document = run_plan(settings, Silent())
    _write(document)
    printed = capsys.readouterr().out
    assert document["phases"]
    assert all(phase["name"] in printed for phase in document["phases"])
    assert document["strategy"] == name


def test_what_is_wrong_with_a_strategy_and_its_modifiers_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        make_strategy("contrastive:times=0,share=2+lora:rank=0+norm_only")
    told = str(caught.value)
    assert all(each in told for each in ("contrastive:times=0", "+lora:rank=0", "'norm_only'"))
