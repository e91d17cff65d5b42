"""Tests that weight files are read whole or refused, and never run."""

import json
import math
import pickle
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from regraft.backbones import weights
from regraft.backbones.weights import (
    Weights,
    has_weights,
    load_into_network,
    put_weights,
    read_folder,
    read_weights,
    refuse_infinite,
    refuse_integers,
    separate,
    state_of,
)
from regraft.errors import BackboneError, DamagedFileError, StorageError


class Bomb:
    """Something that runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (Path("bomb-went-off"),)


def tensors() -> dict[str, Tensor]:
    return {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, 2.0])}


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_tensors_come_back_as_they_were_saved(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(tensors(), path)
    else:
        torch.save(tensors(), path)
    found = read_weights(path)
    assert found.keys() == tensors().keys()
    assert all(torch.equal(found[name], value) for name, value in tensors().items())


@pytest.mark.parametrize("name", ["state_dict", "model", "state_dict_ema"])
def test_a_state_dict_one_level_down_is_found(tmp_path: Path, name: str) -> None:
    torch.save({name: tensors(), "epoch": 3}, tmp_path / "w.pth")
    assert read_weights(tmp_path / "w.pth").keys() == tensors().keys()


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".h5", ".pt2", ".PKL", ".keras", ".ckpt"])
def test_kinds_of_files_that_hold_code_are_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(b"")
    with pytest.raises(BackboneError, match=r"is not read: .*code.*|whole programs"):
        read_weights(path)


def test_code_in_a_file_of_torch_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Bomb()}, "w.pth")
    with pytest.raises(BackboneError, match="holds more than tensors"):
        read_weights(tmp_path / "w.pth")
    assert not (tmp_path / "bomb-went-off").exists()


def test_code_in_a_bare_pickle_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.bin").write_bytes(pickle.dumps({"weight": Bomb()}))
    with pytest.raises((BackboneError, DamagedFileError)):
        read_weights(tmp_path / "w.bin")
    assert not (tmp_path / "bomb-went-off").exists()


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2], 7])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(BackboneError, match="no plain state dict"):
        read_weights(tmp_path / "w.pth")


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_truncated_file_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(tensors(), path)
    else:
        torch.save(tensors(), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamagedFileError, match="no whole"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"\x05\0\0\0\0\0\0\0nope!"])
def test_what_is_no_safetensors_file_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(DamagedFileError, match="no safetensors file"):
        read_weights(tmp_path / "w.safetensors")


def test_a_header_that_announces_too_much_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(struct.pack("<Q", 8 * 1024 * 1024 + 1))
    with pytest.raises(DamagedFileError, match="announces a header of 8,388,609 bytes"):
        read_weights(tmp_path / "w.safetensors")


def test_more_tensors_than_any_network_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "TENSOR_LIMIT", 1)
    save_file(tensors(), tmp_path / "w.safetensors")
    with pytest.raises(DamagedFileError, match="has 2 tensors"):
        read_weights(tmp_path / "w.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    save_file({"bias": torch.tensor([1.0, value])}, tmp_path / "w.safetensors")
    with pytest.raises(DamagedFileError, match="values in bias that are not finite"):
        read_weights(tmp_path / "w.safetensors")


def test_what_a_run_wrote_may_hold_infinities_but_not_in_parameters(tmp_path: Path) -> None:
    save_file({"mask": torch.full((2,), -math.inf)}, tmp_path / "a.safetensors")
    assert read_weights(tmp_path / "a.safetensors", own=True)["mask"].isinf().all()
    save_file({"mask": torch.full((2,), math.nan)}, tmp_path / "b.safetensors")
    with pytest.raises(DamagedFileError, match="values in mask that are not finite"):
        read_weights(tmp_path / "b.safetensors", own=True)
    layer = nn.Linear(1, 1)
    refuse_infinite(layer, "a file")
    nn.init.constant_(layer.weight, math.inf)
    with pytest.raises(DamagedFileError, match="a file has values in weight"):
        refuse_infinite(layer, "a file")


def test_a_network_forgets_what_it_made_of_its_weights() -> None:
    class Deriving(nn.Linear):
        kept: Tensor | None = None

        def _apply(self, *given: Any, **named: Any) -> Any:
            self.kept = None
            return super()._apply(*given, **named)  # type: ignore[no-untyped-call]

    layer = Deriving(2, 2)
    weight = layer.weight
    layer.kept = weight * 2
    put_weights(layer, {name: tensor + 1 for name, tensor in layer.state_dict().items()})
    assert layer.kept is None
    assert layer.weight is weight


def test_a_missing_file_is_a_failure_of_the_disk(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_weights(tmp_path / "absent.safetensors")


def test_weights_do_not_follow_their_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(tensors(), path)
    found = read_weights(path)
    path.write_bytes(b"\xff" * path.stat().st_size)
    assert torch.equal(found["weight"], tensors()["weight"])


def sharded(folder: Path, weight_map: dict[str, str]) -> Path:
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    return folder


def test_shards_are_read_together(tmp_path: Path) -> None:
    save_file({"weight": tensors()["weight"]}, tmp_path / "a.safetensors")
    sharded(tmp_path, {"weight": "a.safetensors", "bias": "b.safetensors"})
    assert not has_weights(tmp_path)
    save_file({"bias": tensors()["bias"]}, tmp_path / "b.safetensors")
    assert has_weights(tmp_path)
    assert read_folder(tmp_path).keys() == tensors().keys()


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/passwd", "a.bin"])
def test_an_index_that_points_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    sharded(tmp_path, {"weight": name})
    with pytest.raises(DamagedFileError, match="names files outside its folder"):
        read_folder(tmp_path)


def test_a_folder_without_weights_says_what_it_lacks(tmp_path: Path) -> None:
    assert not has_weights(tmp_path)
    with pytest.raises(BackboneError, match=r"expected model\.safetensors in it"):
        read_folder(tmp_path)


def test_fitting_weights_are_loaded() -> None:
    network = nn.Linear(3, 2)
    load_into_network(network, tensors(), source="w")
    assert torch.equal(network.weight, tensors()["weight"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, "w lacks bias"),
        ({"extra": torch.zeros(1)}, "extra"),
        ({"bias": torch.zeros(3)}, r"bias of w is \(3,\).*expected \(2,\)"),
        ({"bias": torch.zeros(2, dtype=torch.float64)}, "float64; expected .*float32"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(
    change: dict[str, Tensor | None], message: str
) -> None:
    network = nn.Linear(3, 2)
    before = network.weight.detach().clone()
    given = {name: value for name, value in (tensors() | change).items() if value is not None}
    with pytest.raises(BackboneError, match=message):
        load_into_network(network, given, source="w")
    assert torch.equal(network.weight, before)


class Versioned(nn.Linear):
    """Refuses a state that does not say its version, as torchvision's MNASNet does."""

    _version = 2

    def _load_from_state_dict(self, state: Any, prefix: str, metadata: Any, *rest: Any) -> None:
        if metadata.get("version") != 2:
            raise ValueError(f"version should be set to 2 instead of {metadata.get('version')}")
        super()._load_from_state_dict(state, prefix, metadata, *rest)


@pytest.mark.parametrize("put", [put_weights, partial(load_into_network, source="w")])
def test_networks_that_look_at_their_version_are_told_it(
    put: Callable[[nn.Module, Weights], None],
) -> None:
    network = nn.Sequential(Versioned(3, 2))
    put(network, {f"0.{name}": value for name, value in tensors().items()})
    assert torch.equal(network.state_dict()["0.weight"], tensors()["weight"])


def test_weights_are_put_strictly() -> None:
    with pytest.raises(RuntimeError, match="Missing key"):
        put_weights(nn.Linear(3, 2), {"bias": torch.zeros(2)})


def test_what_shares_memory_is_saved_under_each_name(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    given = {"a": whole, "b": whole, "c": whole.T, "d": whole[1:]}
    save_file(separate(given), tmp_path / "w.safetensors")
    found = read_weights(tmp_path / "w.safetensors")
    assert all(torch.equal(found[name], tensor) for name, tensor in given.items())


def test_what_shares_no_memory_is_not_copied() -> None:
    found = separate(tensors() | {"extra": (extra := torch.zeros(3))})
    assert found["extra"].data_ptr() == extra.data_ptr()


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_whole_numbers_are_refused_where_the_network_has_others(prefix: str) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    good = {f"{prefix}{name}": tensor for name, tensor in network.state_dict().items()}
    refuse_integers(good, network, source="it")
    quantised = good | {f"{prefix}0.weight": torch.ones(2, 2, dtype=torch.int8)}
    with pytest.raises(BackboneError, match=r"0\.weight of it is torch\.int8; expected weights"):
        refuse_integers(quantised, network, source="it")


def test_the_copy_of_a_state_stays_what_it_was_and_can_be_put_back() -> None:
    layer = nn.BatchNorm1d(2)
    kept, before = state_of(layer), {n: t.clone() for n, t in layer.state_dict().items()}
    with torch.no_grad():
        for tensor in layer.state_dict().values():
            tensor.add_(1)
    assert all(torch.equal(kept[name], before[name]) for name in before)
    put_weights(layer, kept)
    assert all(torch.equal(layer.state_dict()[name], before[name]) for name in before)
