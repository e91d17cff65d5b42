"""The proof fails on every fault that is seeded into a training on purpose."""

from collections.abc import Callable

import pytest
import torch

from regraft.freezing.line import move_line
from regraft.strategies.two_stage import TwoStage
from regraft.training import loop
from regraft.training.loop import work
from regraft.training.session import Session
from tests.tiny_sessions import facts, session

Fault = Callable[[Session], None]


def one_weight_by_one_ulp(made: Session) -> None:
    weight = made.network.get_parameter("trunk.stem.0.weight").detach().view(-1)
    weight[0] = torch.nextafter(weight[0], torch.tensor(torch.inf))


def one_buffer(made: Session) -> None:
    made.network.get_buffer("trunk.middle.1.running_var")[0] += 1e-3


def one_counter(made: Session) -> None:
    made.network.get_buffer("trunk.stem.1.num_batches_tracked").add_(1)


def a_norm_left_in_train_mode(made: Session) -> None:
    norm = made.network.get_submodule("trunk.stem.1")
    vars(norm).pop("train")
    norm.train()


def a_weight_thawed(made: Session) -> None:
    made.network.get_parameter("trunk.stem.0.bias").requires_grad_(True)


def the_line_moved_behind_the_ledger_s_back(made: Session) -> None:
    move_line(made.network, made.chain, line=0)


FAULTS: list[Fault] = [
    one_weight_by_one_ulp,
    one_buffer,
    one_counter,
    a_norm_left_in_train_mode,
    a_weight_thawed,
    the_line_moved_behind_the_ledger_s_back,
]


def proof_of(fault: Fault | None, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Trains with a line in the middle; returns for each stretch whether all stood still.

    The fault happens before the second step of the phase `tune`.
    """
    made = session("image")
    real = loop._step

    def faulty(*arguments: object) -> object:
        if fault is not None and made.step == 1:
            fault(made)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_step", faulty)
    # The lowest rate is not nil, so that whatever is thawed by mistake does move.
    phases = TwoStage().phases(made.chain, facts("image", start_line=2))
    tune = type(phases[1])(**{**vars(phases[1]), "rates": (1e-3,) * 3})
    work(made, [phases[0], tune])
    return [stretch.still for stretch in made.stretches]


def test_the_proof_holds_where_there_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proof_of(None, monkeypatch) == [True, True]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_proof_fails_on(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    assert proof_of(fault, monkeypatch) == [True, False]
