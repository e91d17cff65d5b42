"""What changes a strategy holds for texts, images, and a network without norm layers."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import nn

import regraft
from regraft.backbones.graft import Grafted
from regraft.errors import SettingsError
from regraft.freezing.proof import state_digest
from regraft.freezing.verify import faults_of
from regraft.strategies.table import MODIFIERS, make_strategy
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.keeping.merging import merge_into_trunk
from regraft.training.loop import work
from regraft.training.session import Session
from tests import tiny
from tests.tiny_sessions import changed, example, facts, grafted, session, state

KINDS = ("text", "image", "plain")
"""Twins of MiniLM, of EfficientNet and of VGG16, which has no norm layer."""
WITHOUT = ("plain", "norm-only")
PAIRS = [(kind, name) for kind in KINDS for name in MODIFIERS if (kind, name) != WITHOUT]
pairs = pytest.mark.parametrize(("kind", "name"), PAIRS)
STOP = 5


class Plain(nn.Sequential):
    """Convolutions as VGG has them: nothing between them but what bends and halves."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.ReLU(),
        )


def network_of(kind: str) -> Grafted:
    """Returns a twin, its weights always the same."""
    if kind != "plain":
        return grafted(kind)
    network = grafted("image")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        network.trunk = Plain()
    return network


def modality(kind: str) -> str:
    return "text" if kind == "text" else "image"


def begun(kind: str, name: str) -> Session:
    """Returns a session as a fit makes it: pairs of matrices are in the network before the cut."""
    strategy = make_strategy(f"two-stage+{name}")
    network = network_of(kind)
    strategy.graft(network.trunk, seed=3)
    made = session(modality(kind), network=network)
    made.options = replace(made.options, above=strategy.held(network.trunk))
    return made


def trained(made: Session, kind: str, name: str) -> Session:
    """Works all phases and puts what was beside the layers into them, as a fit does."""
    strategy = make_strategy(f"two-stage+{name}")
    # Few weights have to go further: they do in a fit as well.
    rate = 5e-3 if name in ("average", "norm-only") else 2e-2
    work(made, strategy.phases(made.chain, facts(modality(kind), rate=rate)))
    merge_into_trunk(made, strategy.merging, example=example(modality(kind)))
    return made


@cache
def finished(kind: str, name: str) -> Session:
    """Returns a training that was not stopped, for tests that only look at it."""
    return trained(begun(kind, name), kind, name)


def found_by_verify(made: Session) -> list[str]:
    stretches = [stretch.as_json() for stretch in made.stretches]
    saved = {"kind": "saved", "digests": {"model.safetensors": "its digest"}}
    freezing = {"ledger": [*made.ledger.as_json(), saved], "proof": {"stretches": stretches}}
    return faults_of(freezing, made.network.state_dict(), sha256="its digest")


@pairs
def test_what_is_kept_is_the_network_s_own_and_is_proved(kind: str, name: str) -> None:
    made = finished(kind, name)
    assert found_by_verify(made) == []
    assert list(made.network.state_dict()) == list(network_of(kind).state_dict())


@pairs
def test_what_a_modifier_names_is_what_moves(kind: str, name: str) -> None:
    made = finished(kind, name)
    before = state(network_of(kind).trunk)
    parameters = dict(made.network.trunk.named_parameters())
    moved = changed(before, made.network.trunk) & set(parameters)
    if name == "bias-only":
        assert moved == {each for each in parameters if each.endswith("bias")}
    elif name == "lora":
        assert moved == {each for each in parameters if each in moved and parameters[each].ndim > 1}
        assert moved
    elif name == "norm-only":
        assert moved
        assert all(parameters[each].ndim == 1 for each in moved)
    assert set(dict(made.network.head.named_parameters())) <= changed(
        state(network_of(kind).head), made.network.head
    )


class StoppedHereError(Exception):
    """Stands for a kill."""


@pairs
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> Session:
        made = begun(kind, name)
        made.keeper = Keeper(tmp_path / "checkpoints", soonest=0.0, share=math.inf)
        return made

    whole = finished(kind, name)
    assert whole.step > STOP
    real = steps_module._step

    def killed(stepper: Any, *given: Any) -> Any:
        if stepper.session.step == STOP:
            raise StoppedHereError
        return real(stepper, *given)

    with monkeypatch.context() as patch:
        patch.setattr(steps_module, "_step", killed)
        with pytest.raises(StoppedHereError):
            trained(kept(), kind, name)
    torch.rand(5)
    again = trained(kept(), kind, name)
    assert state_digest(again.network) == state_digest(whole.network)
    assert again.ledger.as_json() == whole.ledger.as_json()
    assert found_by_verify(again) == []


def test_norm_layers_alone_where_there_are_none_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="leaves nothing of Plain to move") as caught:
        make_strategy("two-stage+norm-only").held(Plain())
    assert "try --strategy head" in str(caught.value)


@pytest.mark.parametrize("name", MODIFIERS)
def test_a_run_with_a_modifier_is_proved_and_answers_with_class_names(
    name: str, bert: Path, tmp_path: Path
) -> None:
    texts, labels = tiny.toy_texts(240)
    data = tiny.write_csv(tmp_path / "reviews.csv", {"text": texts, "label": labels})
    run = tmp_path / "run"
    regraft.fit(
        str(data),
        strategy=f"two-stage+{name}",
        backbone=str(bert),
        epochs=1,
        baselines=False,
        precision="fp32",
        out=run,
    )
    assert regraft.verify(run)["holds"]
    with safe_open(run / "model" / "model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert any("head" in each for each in names)
    assert not any("lora" in each for each in names)
    assert set(regraft.load(run).predict(texts[:4])) <= {"neg", "pos"}


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("gradual+norm-only", {}),
        ("gradual+bias-only", {}),
        ("gradual", {"freeze": "norm"}),
        ("two-stage+bias-only", {"freeze_threshold": 0.9}),
        *(
            ("two-stage", {"freeze": "norm", "freeze_threshold": 0.9, **rule})
            for rule in ({}, {"freeze_threshold_rule": "staggered"})
        ),
        ("two-stage", {"freeze": "norm", "freeze_threshold": 0.9, "freeze_threshold_scope": "any"}),
    ],
)
def test_the_line_may_pass_what_is_frozen_above_it(
    bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strategy: str,
    options: dict[str, Any],
) -> None:
    tiny.heads_of_one_penalty(monkeypatch, 0.01)
    regraft.fit(
        tiny.toy_texts(160),
        backbone=str(bert),
        strategy=strategy,
        epochs=4,
        batch_size=32,  # in smaller and shorter steps this toy's blocks do not come to rest
        baselines=False,
        out=tmp_path / "run",
        **options,
    )
    proof = regraft.verify(tmp_path / "run")
    assert proof["holds"], proof["faults"]
    assert proof["stretches"] > 1
