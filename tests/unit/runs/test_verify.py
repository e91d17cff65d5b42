"""A finished run verifies; edited weights, ledgers and proofs do not."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import regraft
from regraft.errors import DamagedFileError, DataError
from regraft.runs.verify import verify

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def copied(text_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_run, tmp_path / "run"))


def edit(run: Path, change: Edit) -> None:
    place = run / "result.json"
    document = json.loads(place.read_text("utf-8"))
    change(document["freezing"])
    place.write_text(json.dumps(document), "utf-8")


def test_a_finished_run_verifies(text_run: Path, image_run: Path) -> None:
    for run in (text_run, image_run):
        found = verify(run)
        assert found["holds"], found["faults"]
        assert found["faults"] == []
        assert found["stretches"] >= 1


def test_what_is_found_is_as_true_as_the_proof(copied: Path) -> None:
    assert regraft.verify(copied)
    edit(copied, see_a_gradient)
    found = regraft.verify(copied)
    assert not found
    assert set(found) == {"holds", "faults", "stretches"}
    assert json.loads(json.dumps(found)) == found
    assert "had a gradient" in pformat(found)


def test_a_result_document_names_its_own_run(text_run: Path) -> None:
    document = json.loads((text_run / "result.json").read_text("utf-8"))
    assert regraft.verify({**document, "run": str(text_run)})["holds"]


def test_weights_edited_on_disk_do_not_verify(copied: Path) -> None:
    place = copied / "model" / "model.safetensors"
    weights = load_file(place)
    name = next(name for name in weights if name.startswith("trunk."))
    weights[name] = weights[name] + 1e-6 * torch.ones_like(weights[name])
    save_file(weights, place)
    faults = verify(copied)["faults"]
    assert "the saved weights are not those that training left" in faults
    assert "the file of weights was changed after it was saved" in faults


def forget_a_digest(freezing: dict[str, Any]) -> None:
    stretch = freezing["proof"]["stretches"][0]
    stretch["after"][next(iter(stretch["after"]))] = "0" * 64


def see_a_gradient(freezing: dict[str, Any]) -> None:
    freezing["proof"]["stretches"][-1]["gradients"] = 1


def change_between_stretches(freezing: dict[str, Any]) -> None:
    first, last = freezing["proof"]["stretches"][:2]
    name = next(iter(first["before"]))
    last["before"] = last["after"] = {name: "1" * 64}


def restore_other_blocks(freezing: dict[str, Any]) -> None:
    event = next(e for e in freezing["ledger"] if e["kind"] == "restore")
    stretch = freezing["proof"]["stretches"][-1]
    name = freezing["blocks"][0]["name"]
    stretch["before"] = stretch["after"] = {name: "2" * 64}
    assert name in event["digests"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forget_a_digest, "frozen, and changed"),
        (see_a_gradient, "had a gradient"),
        (change_between_stretches, "changed between head and tune"),
        (restore_other_blocks, "frozen, and changed after training"),
    ],
)
def test_a_ledger_that_speaks_of_a_fault_does_not_verify(
    copied: Path, change: Edit, words: str
) -> None:
    edit(copied, change)
    found = verify(copied)
    assert not found["holds"]
    assert any(words in fault for fault in found["faults"])


def test_a_folder_without_weights_is_no_run(copied: Path) -> None:
    (copied / "model" / "model.safetensors").unlink()
    with pytest.raises(DataError, match="is no complete run"):
        verify(copied)


def test_a_result_without_a_proof_is_said(copied: Path) -> None:
    edit(copied, lambda freezing: freezing.pop("proof"))
    with pytest.raises(DamagedFileError, match="holds no proof"):
        verify(copied)


@pytest.mark.parametrize("name", ["labels.json", "preprocessing.json", "tokenizer.json"])
def test_what_lies_beside_the_weights_is_as_the_run_saved_it(copied: Path, name: str) -> None:
    place = copied / "model" / name
    place.write_text(place.read_text("utf-8") + " ", "utf-8")
    found = verify(copied)
    assert not found["holds"]
    assert [fault for fault in found["faults"] if f"{name} is not the file" in fault]


def test_a_missing_file_beside_the_weights_does_not_verify(copied: Path) -> None:
    (copied / "model" / "labels.json").unlink()
    assert any("labels.json is missing" in fault for fault in verify(copied)["faults"])
