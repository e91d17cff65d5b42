from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from regraft.backbones.modes import Mode
from regraft.data.encode import Encoded
from regraft.errors import DamagedFileError
from regraft.serving.model import Logits, Model
from regraft.serving.replay import REPLAY, REPLAYED, check_replay, replay, save_replay
from tests import tiny

TEXTS = ["a lovely film", "", "dreadful \U0001f642 \ud800", *tiny.toy_texts(9)[0]]


def test_eight_texts_are_kept_and_replayed_to_the_bit(tmp_path: Path, bert: Path) -> None:
    model = tiny.model(bert)
    save_replay(tmp_path, model, examples=TEXTS)
    assert len(load_file(tmp_path / REPLAY)) == REPLAYED + 1
    assert replay(tmp_path, model) == 0


@pytest.mark.parametrize("grey", [False, True])
def test_images_are_kept_and_replayed(tmp_path: Path, resnet: Path, grey: bool) -> None:
    model = tiny.model(resnet)
    pixels, _ = tiny.toy_pixels(3, grey=grey)
    save_replay(tmp_path, model, examples=list(pixels))
    assert replay(tmp_path, model) == 0
    check_replay(tmp_path, model)


def test_a_network_that_answers_otherwise_is_refused(tmp_path: Path, bert: Path) -> None:
    model = tiny.model(bert)
    save_replay(tmp_path, model, examples=TEXTS)
    with torch.no_grad():
        model.network.head.last.bias[0] += 0.01
    with pytest.raises(DamagedFileError, match=r"stored inputs differently by 0\.0\d"):
        check_replay(tmp_path, model)


def test_a_network_that_answers_nan_is_refused(tmp_path: Path, bert: Path) -> None:
    model = tiny.model(bert)
    save_replay(tmp_path, model, examples=TEXTS)
    with torch.no_grad():
        model.network.head.last.bias.fill_(float("nan"))
    with pytest.raises(DamagedFileError, match="differently by nan"):
        check_replay(tmp_path, model)


def test_without_inputs_nothing_differs(tmp_path: Path, bert: Path) -> None:
    model = tiny.model(bert)
    save_replay(tmp_path, model, examples=[])
    assert replay(tmp_path, model) == 0


@pytest.mark.parametrize(
    "content",
    [
        {"input.0": np.zeros(3, np.uint8), "scores": np.zeros((1, 2), np.float32)},
        {"input.7": np.zeros(3, np.uint8), "logits": np.zeros((1, 2), np.float32)},
        {"input.0": np.full(3, 255, np.uint8), "logits": np.zeros((1, 2), np.float32)},
        {"input.0": np.zeros(3, np.uint8), "logits": np.zeros((1, 5), np.float32)},
    ],
)
def test_a_file_that_is_no_replay_is_refused(
    tmp_path: Path, bert: Path, content: dict[str, np.ndarray]
) -> None:
    save_file({name: torch.from_numpy(array) for name, array in content.items()}, tmp_path / REPLAY)
    with pytest.raises(DamagedFileError):
        check_replay(tmp_path, tiny.model(bert))


def test_a_small_change_of_the_answers_is_refused(tmp_path: Path, bert: Path) -> None:
    model = tiny.model(bert)
    save_replay(tmp_path, model, examples=TEXTS)
    with torch.no_grad():
        model.network.head.last.bias[0] += 5e-4
    with pytest.raises(DamagedFileError, match=r"stored inputs differently by 0\.000\d"):
        check_replay(tmp_path, model)


def test_large_answers_may_differ_by_as_many_of_their_last_digits(
    tmp_path: Path, bert: Path
) -> None:
    model = tiny.model(bert)
    with torch.no_grad():
        model.network.head.last.bias[0] = 5000.0
    save_replay(tmp_path, model, examples=TEXTS)
    with torch.no_grad():
        model.network.head.last.bias[0] += 0.05
    check_replay(tmp_path, model)
    with torch.no_grad():
        model.network.head.last.bias[0] += 5.0
    with pytest.raises(DamagedFileError, match=r"stored inputs differently by 0\.001"):
        check_replay(tmp_path, model)


def test_logits_are_those_of_the_processor_in_fp32_wherever_the_model_answers(
    tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[Mode] = []
    answer = Model.logits_of

    def remembered(self: Model, rows: Encoded) -> Logits:
        modes.append(self.mode)
        assert next(self.network.parameters()).device.type == "cpu"
        return answer(self, rows)

    monkeypatch.setattr(Model, "logits_of", remembered)
    model = replace(tiny.model(bert), mode=Mode("bf16", device="cuda"))
    save_replay(tmp_path, model, examples=TEXTS)
    assert replay(tmp_path, model) == 0
    assert modes == [Mode(), Mode()]


@pytest.mark.parametrize(
    ("shape", "stored"), [((90, 300), (64, 213)), ((300, 90), (213, 64)), ((64, 200), (64, 200))]
)
def test_a_large_image_is_stored_smaller_and_replayed_to_the_bit(
    tmp_path: Path, resnet: Path, shape: tuple[int, int], stored: tuple[int, int]
) -> None:
    model = tiny.model(resnet)
    assert model.extent == 32
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    save_replay(tmp_path, model, examples=[pixels])
    assert load_file(tmp_path / REPLAY)["input.0"].shape == (*stored, 3)
    assert replay(tmp_path, model) == 0
