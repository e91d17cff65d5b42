"""Before its first update, a training that goes on is where the one that never stopped was."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from regraft.freezing.proof import digest, optimiser_digest, tensors_of
from regraft.freezing.threshold import Rule
from regraft.losses.cross_entropy import cross_entropy
from regraft.strategies.two_stage import TwoStage
from regraft.training import steps as steps_module
from regraft.training.batching import mixing as mixing_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import KINDS, facts, grafted, options, session

AUGMENT = {"text": "drop-tokens", "image": "flip-crop"}
Seen = dict[str, Any]


class StoppedHereError(Exception):
    """Stands for a kill."""


def made_for(kind: str, optimizer: str, folder: Path | None) -> Session:
    chosen = options(
        augment=AUGMENT[kind],
        optimizer=optimizer,
        threshold=Rule(0.4, "clock"),
        average=0.9,
    )
    network = grafted("text", dropout=0.2) if kind == "text" else None
    made = session(kind, chosen, network=network)
    if folder:
        made.keeper = Keeper(folder / "checkpoints", soonest=0.0, share=math.inf)
    return made


def standing(made: Session, batch: dict[str, torch.Tensor], indices: Any) -> Seen:
    """Returns everything that the next update depends on."""
    network = made.network
    return {
        "step": made.step,
        "weights and buffers": digest(tensors_of(network)),
        "moving": [p.requires_grad for p in network.parameters()],
        "modes": [module.training for module in network.modules()],
        "optimiser": optimiser_digest(made.optimiser),
        "groups": [(g["lr"], g["weight_decay"]) for g in made.optimiser.param_groups],
        "rows": indices.tolist(),
        "batch": digest(batch),
        "place": {**vars(made.place), "tally": (made.place.tally.loss, made.place.tally.rows)},
        "piece": made.piece,
        "readings": made.ledger.checks_as_json(),
        "best": made.best.key if made.best else None,
    }


def watched(made: Session, kind: str, *, at: int, stop: bool) -> Seen:
    """Trains; returns what stood before step `at`, and the generator's state in that step."""
    seen: Seen = {}
    real, real_loss = steps_module._step, cross_entropy

    def step(stepper: Any, batch: Any, indices: Any, weights: Any) -> Any:
        if made.step == at:
            if stop:
                raise StoppedHereError
            seen.update(standing(made, batch, indices))
        return real(stepper, batch, indices, weights)

    def loss(logits: Any, labels: Any, **named: Any) -> Any:
        if made.step == at:
            # After the forward pass: dropout has drawn its numbers.
            seen["generator"] = digest({"state": torch.get_rng_state()})
            seen["logits"] = digest({"logits": logits})
        return real_loss(logits, labels, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps_module, "_step", step)
        patch.setattr(mixing_module, "cross_entropy", loss)
        work(made, TwoStage().phases(made.chain, facts(kind, start_line=1)))
    return seen


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_differs_before_the_first_update(
    kind: str, optimizer: str, at: int, tmp_path: Path
) -> None:
    whole = watched(made_for(kind, optimizer, None), kind, at=at, stop=False)
    with pytest.raises(StoppedHereError):
        watched(made_for(kind, optimizer, tmp_path), kind, at=at, stop=True)
    torch.rand(5)
    again = watched(made_for(kind, optimizer, tmp_path), kind, at=at, stop=False)
    assert again == whole
    assert len(whole) == 14
