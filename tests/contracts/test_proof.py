"""The proof fails on every fault that is seeded into a training on purpose."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from regraft.backbones import vocabulary
from regraft.backbones.modes import Mode
from regraft.freezing import line as line_module
from regraft.freezing.line import move_line
from regraft.freezing.patterns import above_of
from regraft.freezing.proof import Stretch
from regraft.freezing.verify import faults_of
from regraft.strategies.table import make_strategy
from regraft.strategies.two_stage import TwoStage
from regraft.training import loop
from regraft.training import steps as steps_module
from regraft.training.keeping.average import Average
from regraft.training.loop import work
from regraft.training.moving import lines
from regraft.training.precision import Verdict
from regraft.training.session import Session
from tests.contracts.test_strategies import verified
from tests.tiny_sessions import facts, grafted, options, session

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


def the_line_one_too_low(made: Session) -> None:
    move_line(made.network, made.chain, line=1)


def the_line_one_too_high(made: Session) -> None:
    move_line(made.network, made.chain, line=3)


def a_group_dropped_from_the_optimiser(made: Session) -> None:
    weights = set(made.network.get_submodule("trunk.top").parameters())
    groups = made.optimiser.param_groups
    groups[:] = [group for group in groups if not weights & set(group["params"])]


def weight_decay_on_a_frozen_weight(made: Session) -> None:
    with torch.no_grad():
        made.network.get_parameter("trunk.stem.0.weight").mul_(1 - 1e-5)


def a_gradient_of_noughts_under_momentum(made: Session) -> None:
    """What `zero_grad(set_to_none=False)` leaves behind: the moments go on moving it."""
    weight = made.network.get_parameter("trunk.stem.0.weight")
    weight.grad = torch.zeros_like(weight)
    made.optimiser.state[weight] = {
        "step": torch.tensor(3.0),
        "exp_avg": torch.ones_like(weight),
        "exp_avg_sq": torch.ones_like(weight),
    }


def an_average_over_everything(made: Session) -> None:
    with torch.no_grad():
        for parameter in made.network.parameters():
            parameter.lerp_(parameter * 1.01, 0.1)


FAULTS: list[Fault] = [
    one_weight_by_one_ulp,
    one_buffer,
    one_counter,
    a_norm_left_in_train_mode,
    a_weight_thawed,
    the_line_moved_behind_the_ledger_s_back,
    the_line_one_too_low,
    the_line_one_too_high,
    a_group_dropped_from_the_optimiser,
    weight_decay_on_a_frozen_weight,
    a_gradient_of_noughts_under_momentum,
    an_average_over_everything,
]


def trained(made: Session, fault: Fault | None, monkeypatch: pytest.MonkeyPatch) -> list[Stretch]:
    """Trains with a line in the middle, the fault before the first step of `tune`."""
    real = steps_module._step

    def faulty(*arguments: object) -> object:
        if fault is not None and made.step == 0:
            fault(made)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(steps_module, "_step", faulty)
    # The lowest rate is not nil, so that whatever is thawed by mistake does move.
    phases = TwoStage().phases(made.chain, facts("image", start_line=2))
    work(made, [phases[0], replace(phases[1], rates=(1e-3,) * made.top)])
    return made.stretches


def test_the_proof_holds_where_there_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [stretch.faults for stretch in trained(session("image"), None, monkeypatch)] == [[], []]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_proof_fails_on(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    found = trained(session("image"), fault, monkeypatch)
    assert [stretch.holds for stretch in found] == [True, False]
    assert all(sentence.startswith("tune: ") for sentence in found[1].faults)


def test_the_proof_fails_on_a_dropout_left_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(made: Session) -> None:
        for path, module in made.network.trunk.named_modules():
            if isinstance(module, nn.Dropout) and path.startswith("embeddings"):
                vars(module).pop("train")
                module.train()

    made = session("text", network=grafted("text", dropout=0.3))
    found = trained(made, fault, monkeypatch)[1]
    assert found.still
    assert not found.holds
    assert len(set(found.prefix)) > 1


def test_the_proof_fails_where_a_phase_loses_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    made = session("image")
    real = lines.draw_line

    def forgetful(given: Session, phase: object) -> None:
        given.optimiser.state.clear()
        real(given, phase)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "draw_line", forgetful)
    tune = replace(TwoStage().phases(made.chain, facts("image"))[1], rates=(1e-3,) * made.top)
    work(made, [tune, replace(tune, name="again", line=1)])
    assert [stretch.holds for stretch in made.stretches] == [True, False]
    assert "the optimiser's state was lost" in made.stretches[1].faults[0]


def test_a_line_moved_wrongly_by_the_one_function_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = line_module.frozen_at

    def off_by_one(chain: object, *, line: int, above: object) -> object:
        return real(chain, line=max(line - 1, 0), above=above)  # type: ignore[arg-type]

    monkeypatch.setattr(line_module, "frozen_at", off_by_one)
    assert not all(stretch.holds for stretch in trained(session("image"), None, monkeypatch))


@pytest.mark.parametrize("name", ["two-stage", "head"])
def test_another_kernel_and_a_small_table_raise_no_alarm(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "WORTH", 1.0)
    made = session("text")
    made.verdict = Verdict(Mode(attention="eager"), Mode(attention="sdpa"), {}, "none")
    known = facts("text", start_line=1)
    work(made, make_strategy(name).phases(made.chain, known))
    saved = {"kind": "saved", "step": made.step, "digests": {"model.safetensors": "file"}}
    freezing = {
        "proof": {"stretches": [stretch.as_json() for stretch in made.stretches]},
        "ledger": [*made.ledger.as_json(), saved],
    }
    assert faults_of(freezing, dict(made.network.state_dict()), sha256="file") == []


@pytest.mark.parametrize("fault", [False, True])
def test_an_average_that_touches_what_is_frozen_above_the_line_is_told(
    fault: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    above = above_of(grafted("image").trunk, ["norm"])
    made = session("image", options(average=0.5, above=above))
    weight, real = made.network.get_parameter("trunk.top.1.weight"), Average.shown

    @contextmanager
    def shown(average: Average) -> Iterator[None]:
        kept = weight.detach().clone()
        with real(average), torch.no_grad():
            weight.mul_(0.9)
            yield
            weight.copy_(kept)

    if fault:
        monkeypatch.setattr(Average, "shown", shown)
    work(made, TwoStage().phases(made.chain, facts("image")))
    found = verified(made)
    assert all(stretch.holds for stretch in made.stretches)
    assert any("frozen above the line" in sentence for sentence in found) is fault
    assert bool(found) is fault
