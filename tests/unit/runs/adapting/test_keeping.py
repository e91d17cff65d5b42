"""Tests that the chosen classifier becomes the network's head, and the proof holds."""

import numpy as np
import pytest
import torch

from regraft.adaptation.standardise import Standardise
from regraft.features.pooled import logits
from regraft.freezing.proof import digest
from regraft.runs.adapting.keeping import keep_classifier
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
