"""Tests that the chosen classifier becomes the network's head, and the proof holds."""

from typing import Any

import numpy as np
import pytest
import torch

from regraft.adaptation.preparation import Changed
from regraft.adaptation.standardise import Standardise
from regraft.features.pooled import logits
from regraft.freezing.ledger import AFTER, BEFORE
from regraft.freezing.proof import digest
from regraft.freezing.verify import faults_of
from regraft.runs.adapting.keeping import keep_classifier, keep_trunk
from regraft.training.precision import Verdict
from tests.unit.runs.adapting.conftest import Steps


@pytest.mark.parametrize("rows", [60, 240])
def test_the_network_answers_as_the_unfolded_classifier_does(
    steps: Steps, verdict: Verdict, rows: int
) -> None:
    prepared, trained, pools, target, domains = steps(rows)
    probe = Standardise().adapt(domains).on_target
    after = keep_classifier(prepared, trained, probe=probe, start=domains.start)
    found = logits(after.network, target.encoded, mode=verdict.inference)
    assert found == pytest.approx(probe.logits(pools.target), abs=1e-4)
    assert [phase.name for phase in after.phases] == ["head", "adapt"]


def test_the_head_moved_and_the_trunk_did_not(steps: Steps) -> None:
    prepared, trained, _, _, domains = steps()
    trunk = digest(prepared.network.trunk.state_dict())
    probe = Standardise().adapt(domains).on_target
    keep_classifier(prepared, trained, probe=probe, start=domains.start)
    session = trained.session
    assert [stretch.phase for stretch in session.stretches] == ["head", "adapt"]
    assert [fault for stretch in session.stretches for fault in stretch.faults] == []
    assert digest(prepared.network.trunk.state_dict()) == trunk
    assert [event.kind for event in session.ledger.events][-2:] == ["freeze", "restore"]
    assert session.best is not None
    assert session.best.phase == "adapt"
    assert torch.equal(session.best.state["head.shift"], torch.from_numpy(domains.start.shift))
    assert not np.array_equal(session.best.state["head.layers.0.bias"].numpy(), domains.start.bias)


def test_what_a_preparation_changed_is_put_in_and_the_ledger_says_what(steps: Steps) -> None:
    prepared, trained, _, _, domains = steps()
    trunk, session = prepared.network.trunk, trained.session
    name, weight = next(iter(trunk.named_parameters()))
    keep_trunk(trained, Changed({name: weight.detach() + 1}), name="tapt:steps=1")
    event = session.ledger.events[-1]
    assert (event.phase, event.kind, event.line) == ("tapt:steps=1", "weights", session.top)
    assert event.digests[BEFORE] != event.digests[AFTER]
    keep_classifier(prepared, trained, probe=domains.start, start=domains.start)
    assert session.best is not None
    assert torch.equal(session.best.state[f"trunk.{name}"], weight.detach())
    freezing: dict[str, Any] = {
        "proof": {"stretches": [stretch.as_json() for stretch in session.stretches]},
        "ledger": [
            *session.ledger.as_json(),
            {"kind": "saved", "digests": {"model.safetensors": "file"}},
        ],
    }
    state = prepared.network.state_dict()
    assert faults_of(freezing, state, sha256="file") == []
    freezing["ledger"] = [each for each in freezing["ledger"] if each["kind"] != "weights"]
    assert "between head and adapt" in faults_of(freezing, state, sha256="file")[0]


def test_where_the_trunk_stays_the_ledger_says_nothing(steps: Steps) -> None:
    _, trained, _, _, _ = steps()
    before = len(trained.session.ledger.events)
    keep_trunk(trained, Changed(), name="fourier")
    assert len(trained.session.ledger.events) == before
