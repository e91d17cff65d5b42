from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from regraft.errors import DamagedFileError
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
    with pytest.raises(DamagedFileError, match=r"stored inputs differently by 0\.01"):
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
