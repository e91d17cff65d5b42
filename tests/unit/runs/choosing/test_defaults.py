from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from regraft.backbones.backbone import Architecture, Backbone
from regraft.data.rows import Dataset, Modality, Origin, Part, PictureFacts, Rows
from regraft.data.spec import ImageSpec, InputSpec, TextSpec
from regraft.data.starters.models import MODELS
from regraft.errors import SettingsError
from regraft.runs.choosing import defaults
from regraft.runs.choosing.defaults import TYPED, Choice, choose, choose_backbone
from regraft.runs.choosing.line import block_decay
from regraft.settings import FitSettings
from regraft.strategies.full import Full

TEXTS = TextSpec(Path(), length_limit=512)
IMAGES = ImageSpec(size=224, mean=(0.5,) * 3, std=(0.5,) * 3)


def dataset(
    modality: Modality = "text", counts: tuple[int, ...] = (50, 50), **facts: Any
) -> Dataset:
    """Returns data with so many training rows in each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    classes = tuple(f"class {i}" for i in range(len(counts)))
    inputs = [f"{modality} {i}" for i in range(len(labels))]
    rows = Rows(modality, inputs, classes, labels, [Origin("a.csv")] * len(labels))
    pictures = PictureFacts(**{"short_side": 64, "grey_share": 0.0, **facts})
    none = rows.take(np.zeros(0, np.int64))
    parts: dict[Part, Rows] = {"train": rows, "val": none, "test": none}
    return Dataset("a", parts, "", pictures=pictures if modality == "image" else None)


def backbone(spec: InputSpec, width: int = 384) -> Backbone:
    architecture = Architecture("module", "None", {}, "none")
    return Backbone("a network", nn.Identity(), spec, width, architecture)


def chosen(
    name: str,
    data: Dataset | None = None,
    spec: InputSpec = TEXTS,
    *,
    lengths: tuple[int, ...] = (40,),
    width: int = 384,
    **typed: Any,
) -> Choice:
    """Returns one of the choices."""
    settings = FitSettings(**typed)
    found = choose(
        settings,
        data or dataset("text" if isinstance(spec, TextSpec) else "image"),
        backbone=backbone(spec, width),
        lengths=np.array(lengths, np.int64),
    )
    choice: Choice = getattr(found, name)
    return choice


def test_the_backbone_is_the_starter_of_the_modality() -> None:
    choice = choose_backbone(FitSettings(), dataset("image"))
    assert choice.value == defaults.BACKBONES["image"]
    assert choice.reason == "the starter network for images"
    assert choose_backbone(FitSettings(), dataset("text")).value == defaults.BACKBONES["text"]


@pytest.mark.parametrize(
    ("text", "script"), [("这家餐馆的菜非常好吃", "cjk"), ("Очень вкусно", "cyrillic")]
)
def test_texts_in_another_script_than_latin_take_the_multilingual_starter(
    text: str, script: str
) -> None:
    data = dataset("text")
    inputs = [f"{text} ok {i}" for i in range(len(data.parts["train"]))]
    other = replace(
        data, parts={**data.parts, "train": replace(data.parts["train"], inputs=inputs)}
    )
    choice = choose_backbone(FitSettings(), other)
    assert (
        choice.value == defaults.MULTILINGUAL == f"starter:{MODELS['multilingual-e5-small'].name}"
    )
    assert f"most letters of the texts are {script}" in choice.reason
    assert choose_backbone(FitSettings(backbone="starter:minilm"), other).reason == TYPED


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("backbone", {"backbone": "starter:x"}, "starter:x"),
        ("extent", {"max_length": 77}, 77),
        ("epochs", {"epochs": 2}, 2),
        ("batch_size", {"batch_size": 7}, 7),
        ("lr", {"lr": 0.5}, 0.5),
        ("layer_decay", {"layer_decay": 0.5}, 0.5),
        ("class_weights", {"class_weights": "balanced"}, "balanced"),
        ("patience", {"patience": 9}, 9),
        ("dropout", {"dropout": 0.5}, 0.5),
    ],
)
def test_what_was_typed_is_taken_and_said_so(
    name: str, typed: dict[str, Any], value: object
) -> None:
    choice = chosen(name, **typed)
    assert (choice.value, choice.reason) == (value, TYPED)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [("extent", {"image_size": 96}, 96), ("augment", {"augment": "none"}, "none")],
)
def test_what_was_typed_for_images_is_taken(
    name: str, typed: dict[str, Any], value: object
) -> None:
    choice = chosen(name, spec=IMAGES, **typed)
    assert (choice.value, choice.reason) == (value, TYPED)


@pytest.mark.parametrize(
    ("lengths", "limit", "value", "reason"),
    [
        ((40,), 512, 40, "95 % of the texts have at most 40 tokens"),
        ((41,), 512, 48, "95 % of the texts have at most 41 tokens"),
        ((3,), 512, 16, "95 % of the texts have at most 3 tokens"),
        ((500,), 512, 256, "95 % of the texts have at most 500 tokens; capped for speed"),
        ((100,), 64, 64, "95 % of the texts have at most 100 tokens; capped for speed"),
        ((3,), 10, 10, "95 % of the texts have at most 3 tokens"),
        ((10,) * 96 + (400,) * 4, 512, 16, "95 % of the texts have at most 10 tokens"),
        ((), 512, 256, "95 % of the texts have at most 256 tokens"),
    ],
)
def test_texts_are_read_as_far_as_nearly_all_of_them_go(
    lengths: tuple[int, ...], limit: int, value: int, reason: str
) -> None:
    choice = chosen("extent", spec=replace(TEXTS, length_limit=limit), lengths=lengths)
    assert choice == Choice("max_length", value, reason)


def test_no_more_tokens_than_the_network_takes() -> None:
    choice = chosen("extent", max_length=600)
    assert choice == Choice("max_length", 512, "the network takes no more")


@pytest.mark.parametrize(
    ("side", "value", "reason"),
    [
        (28, 128, "the images have 28 pixels: more would gain little"),
        (16, 96, "the images have 16 pixels: more would gain little"),
        (64, 224, "the size that the network was trained at"),
        (1000, 224, "the size that the network was trained at"),
    ],
)
def test_small_images_are_shown_at_four_times_their_side(
    side: int, value: int, reason: str
) -> None:
    choice = chosen("extent", dataset("image", short_side=side), IMAGES)
    assert choice == Choice("image_size", value, reason)


def test_a_network_of_one_size_gets_that_size() -> None:
    choice = chosen("extent", dataset("image", short_side=28), replace(IMAGES, fixed_size=True))
    assert choice == Choice("image_size", 224, "the only size that the network takes")


def test_images_are_never_smaller_than_the_network_takes() -> None:
    spec = replace(IMAGES, min_size=160)
    assert chosen("extent", dataset("image", short_side=28), spec).value == 160


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (replace(IMAGES, fixed_size=True), "image_size = 64 cannot be used.*expected 224"),
        (replace(IMAGES, min_size=75), "image_size = 64 is too small.*expected at least 75"),
    ],
)
def test_a_size_that_the_network_cannot_take_is_refused(spec: ImageSpec, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        chosen("extent", spec=spec, image_size=64)


@pytest.mark.parametrize("modality", ["text", "image"])
def test_few_rows_get_more_epochs_within_bounds(modality: Modality) -> None:
    spec = TEXTS if modality == "text" else IMAGES
    least, most = defaults.EPOCHS[modality]
    size = defaults.BATCH_SIZES[modality][0]
    steps = defaults.STEPS[modality] * (2 if modality == "text" else 1)  # at half of the rate
    between = -(-steps // (least + 1)) * size  # rows that need least + 1 passes
    for rows, value in ((32, most), (100_000, least), (between, least + 1)):
        choice = chosen("epochs", dataset(modality, (rows // 2, rows // 2)), spec)
        assert choice.value == value
    assert choice.reason.endswith(f"steps over {between:,} rows")


@pytest.mark.parametrize(("rows", "size"), [(200, 8), (1598, 8), (1600, 16), (3198, 16)])
def test_few_texts_are_taken_in_smaller_steps(rows: int, size: int) -> None:
    choice = chosen("batch_size", dataset("text", (rows // 2, rows // 2)))
    assert choice.value == size
    assert choice.reason == f"of {rows:,} rows more steps teach more than large ones"


@pytest.mark.parametrize(("modality", "rows"), [("text", 3200), ("text", 9000), ("image", 200)])
def test_the_batch_size_is_the_usual_one_elsewhere(modality: Modality, rows: int) -> None:
    spec = TEXTS if modality == "text" else IMAGES
    choice = chosen("batch_size", dataset(modality, (rows // 2, rows // 2)), spec)
    assert choice == Choice("batch_size", 32, "usual for fine-tuning")


def test_a_strategy_that_pairs_rows_takes_no_small_steps() -> None:
    small = dataset("text", (100, 100))
    assert chosen("batch_size", small, strategy="contrastive").value == 32
    assert chosen("batch_size", small, strategy="contrastive+average").value == 32
    assert chosen("batch_size", small, strategy="contrastive", batch_size=8).value == 8


@pytest.mark.parametrize(("least", "size"), [(12, 12), (20, 20), (64, 64)])
def test_the_fewest_rows_that_a_strategy_names_are_kept(
    least: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Full, "least_batch", least, raising=False)
    assert chosen("batch_size", dataset("text", (100, 100)), strategy="full").value == size
    usual = chosen("batch_size", dataset("text", (9000, 9000)), strategy="full")
    assert usual.value == max(32, size)
    pictures = chosen("batch_size", dataset("image", (100, 100)), IMAGES, strategy="full")
    assert pictures.value == max(32, size)


def test_smaller_steps_of_images_leave_the_number_of_steps_as_it_is() -> None:
    few = dataset("image", (500, 500))
    assert chosen("epochs", few, IMAGES, batch_size=8).value == defaults.EPOCHS["image"][0]
    assert chosen("epochs", few, IMAGES).value == 10


@pytest.mark.parametrize(
    ("size", "passes", "steps"), [(8, 3, 300), (16, 5, 250), (32, 6, 150), (64, 12, 156)]
)
def test_as_many_more_small_steps_of_texts_are_taken_as_their_rate_is_lower(
    size: int, passes: int, steps: int
) -> None:
    few = dataset("text", (400, 400))
    found = chosen("epochs", few, batch_size=size)
    assert (found.value, found.reason) == (passes, f"{steps} steps over 800 rows")
    assert chosen("epochs", few).value == 3  # 8 rows a step as by default


@pytest.mark.parametrize(("rows", "rate"), [(64, 2e-4), (32, 2e-4), (8, 1e-4), (2, 5e-5)])
def test_smaller_steps_of_texts_are_shorter(rows: int, rate: float) -> None:
    choice = chosen("lr", batch_size=rows)
    assert choice.value == pytest.approx(rate)
    assert choice.reason == f"usual for a text network 384 wide and steps of {rows} rows"


def test_wider_text_networks_get_lower_rates() -> None:
    base = defaults.RATES["text"] / 2  # at 8 rows a step, as 100 rows are taken
    assert chosen("lr", width=384).value == base
    assert chosen("lr", width=32).value == base
    assert chosen("lr", width=768).value == pytest.approx(base / 2, rel=0.01)
    assert chosen("lr", width=768).reason.startswith("usual for a text network 768 wide")


def test_plain_gradients_get_higher_rates() -> None:
    choice = chosen("lr", spec=IMAGES, optimizer="sgd")
    assert choice.value == pytest.approx(defaults.RATES["image"] * defaults.SGD_FACTOR)
    assert choice.reason == "usual for images with SGD"
    assert chosen("lr", spec=IMAGES).reason == "usual for images with AdamW"


def test_where_all_moves_at_once_the_usual_rate_is_halved_and_a_typed_one_is_not() -> None:
    choice = chosen("lr", spec=IMAGES, strategy="full")
    assert choice.value == pytest.approx(defaults.RATES["image"] * Full.rate_share)
    assert "0.5 of what is" in choice.reason
    assert chosen("lr", strategy="full", lr=0.5).value == 0.5


def test_classes_of_unlike_size_are_weighted() -> None:
    rare = chosen("class_weights", dataset(counts=(100, 30)))
    assert rare.value == "balanced"
    assert rare.reason == "the largest class has 3.3 times the rows of the smallest"
    alike = chosen("class_weights", dataset(counts=(90, 30)))
    assert (alike.value, alike.reason) == ("none", "the classes are of like size")


def test_a_class_without_training_rows_does_not_count() -> None:
    assert chosen("class_weights", dataset(counts=(50, 0, 50))).value == "none"


@pytest.mark.parametrize(
    ("grey", "value", "word"), [(0.0, "flip-crop", "photographs"), (0.9, "crop", "signs")]
)
def test_colour_images_are_mirrored_and_grey_ones_not(grey: float, value: str, word: str) -> None:
    choice = chosen("augment", dataset("image", grey_share=grey), IMAGES)
    assert choice.value == value
    assert word in choice.reason


def test_texts_have_other_tokens_hidden_in_each_epoch() -> None:
    assert chosen("augment").value == "drop-tokens"
    assert chosen("augment", augment="none").value == "none"


def test_an_augmentation_of_the_other_modality_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"'flip-crop' is not for texts.*drop-tokens"):
        chosen("augment", augment="flip-crop")
    with pytest.raises(SettingsError, match="'drop-tokens' is not for images"):
        chosen("augment", spec=IMAGES, augment="drop-tokens")


def test_the_rest_has_its_reason_too() -> None:
    assert chosen("patience").value == defaults.PATIENCE
    assert chosen("dropout").value == 0
    assert "CPU" in chosen("dropout").reason


def test_patience_is_said_to_be_of_no_use_in_folds() -> None:
    few, whole = dataset(), dataset()
    whole.parts["val"] = whole.parts["train"]
    assert chosen("patience", few).reason.startswith("folds have no validation part")
    assert chosen("patience", whole).reason.startswith("a phase stops when validation")
    assert chosen("patience", few, patience=5).reason == TYPED


def test_every_choice_is_listed_once() -> None:
    settings = FitSettings()
    found = choose(settings, dataset(), backbone=backbone(TEXTS), lengths=np.array([9]))
    names = [choice.name for choice in found.listed()]
    assert len(names) == len(set(names)) == len(fields(found))
    assert all(choice.reason for choice in found.listed())


def test_rates_fall_to_a_share_of_the_top_ones_at_the_lowest_block() -> None:
    choice = chosen("layer_decay")
    assert choice.value is None
    share = defaults.LOWEST_SHARE["text"]
    assert f"{share:g} of the top one's rate" in choice.reason
    assert block_decay(choice, "text", blocks=7) ** 6 == pytest.approx(share)
    assert block_decay(choice, "text", blocks=1) <= 1
    assert block_decay(Choice("layer_decay", 0.5, TYPED), "text", blocks=7) == 0.5
