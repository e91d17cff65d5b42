"""Tests each term by hand on four rows, and the sign with which it reaches the trunk."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from regraft.losses.class_confusion import class_confusion
from regraft.losses.coral import coral
from regraft.losses.information import information
from regraft.losses.mmd import mmd
from regraft.training.aligning.alignment import Alignment
from regraft.training.aligning.discriminator import Discriminator, make_discriminator
from regraft.training.aligning.terms import TERMS, Seen, term_pieces
from regraft.training.aligning.terms import term as made_term

OWN = torch.tensor([True, False, True, False])
ALIGNMENT = Alignment("dann", hidden=4)


def seen(features: Tensor, logits: Tensor | None = None, **changed: Any) -> Seen:
    found = torch.zeros(len(features), 2) if logits is None else logits
    own = torch.arange(len(features)) % 2 == 0
    shares = torch.tensor([0.5, 0.5])
    made = Seen(own, features, found, features, None, None, 1.0, shares)
    return replace(made, **changed)


def term(alignment: Alignment, seen: Seen, judge: Discriminator | None) -> Tensor:
    return made_term(alignment, seen, discriminator=judge)


class Straight(Discriminator):
    """Scores a row by its one feature."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    def forward(
        self, features: Tensor, mask: Tensor | None, *, given: Tensor | None = None
    ) -> Tensor:
        """Returns (B,) scores."""
        return features.squeeze(1)


def test_dann_of_four_rows_worked_by_hand() -> None:
    found = term(ALIGNMENT, seen(torch.tensor([[0.0], [0.0], [math.log(3)], [0.0]])), Straight())
    missed = (math.log(2) + math.log(4 / 3)) / 2
    assert float(found) == pytest.approx((missed + math.log(2)) / 2)


def test_the_gradient_reaches_what_made_the_features_with_its_sign_reversed() -> None:
    """d/ds of −½ · ½ log σ(s) is −¼ (1 − σ(s)) = −⅛ at 0; turned, times λ, and +⅛ for a target."""
    weight = torch.ones(1, requires_grad=True)
    features = torch.zeros(4, 1) + 0.0 * weight + torch.zeros(4, 1)
    made = torch.zeros(4, 1, requires_grad=True)
    term(ALIGNMENT, seen(made + features), Straight()).backward()
    strength = 2 / (1 + math.exp(-10)) - 1
    assert made.grad is not None
    expected = [strength / 8, -strength / 8, strength / 8, -strength / 8]
    assert made.grad.squeeze(1).tolist() == pytest.approx(expected)


def test_the_discriminator_itself_descends() -> None:
    features = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [1.2, 0.1], [-0.8, 0.2]])
    judge = make_discriminator(ALIGNMENT, (2,), classes=2, seed=0)
    optimiser = torch.optim.SGD(judge.parameters(), lr=0.5)
    losses = []
    for _ in range(30):
        optimiser.zero_grad()
        loss = term(ALIGNMENT, seen(features), judge)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_strength_follows_the_progress() -> None:
    made = torch.ones(4, 1, requires_grad=True)
    term(ALIGNMENT, seen(made, progress=0.0), Straight()).backward()
    assert made.grad is not None
    assert made.grad.tolist() == [[0.0]] * 4


def test_cdan_gives_predictions_that_it_does_not_play_for() -> None:
    features = torch.randn(4, 3, requires_grad=True)
    logits = torch.randn(4, 2, requires_grad=True)
    alignment = Alignment("cdan", hidden=4)
    judge = make_discriminator(alignment, (3,), classes=2, seed=0)
    term(alignment, seen(features, logits), judge).backward()
    assert logits.grad is None
    assert features.grad is not None
    assert (features.grad != 0).any()


def test_distances_and_confusions_are_those_of_the_two_halves() -> None:
    features, logits = torch.randn(6, 3), torch.randn(6, 2)
    halves = features[::2], features[1::2]
    shares = torch.tensor([0.3, 0.7])
    expected = {
        "mmd": mmd(*halves),
        "coral": coral(*halves),
        "mcc": class_confusion(logits[1::2], temperature=4.0),
        "shot": information(logits[1::2], proportions=shares),
    }
    for name, value in expected.items():
        alignment = Alignment(name, weight=3.0, temperature=4.0)  # type: ignore[arg-type]
        found = term(alignment, seen(features, logits, proportions=shares), None)
        assert float(found) == pytest.approx(3 * float(value), rel=1e-6), name


@pytest.mark.parametrize("name", ["dann", "cdan"])
def test_class_confusion_may_stand_beside_an_adversary(name: Any) -> None:
    features, logits = torch.randn(6, 3), torch.randn(6, 2)
    alone = Alignment(name, weight=3.0, hidden=4)
    both = replace(alone, confusion=0.5, temperature=4.0)
    judge = make_discriminator(alone, (3,), classes=2, seed=0)
    gap = term(both, seen(features, logits), judge) - term(alone, seen(features, logits), judge)
    expected = 0.5 * class_confusion(logits[1::2], temperature=4.0)
    assert float(gap.detach()) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("name", ["mcc", "shot", "pseudo"])
def test_terms_of_the_target_alone_need_no_row_of_the_source(name: Any) -> None:
    logits, guesses = torch.randn(4, 2), torch.tensor([0, 1, 1, 0])
    made = seen(torch.zeros(4, 1), logits, guesses=guesses)
    made = replace(made, own=torch.zeros(4, dtype=torch.bool))
    assert float(term(Alignment(name), made, None)) != 0


def test_pseudo_learns_guesses_of_the_target_as_a_share_of_its_rows() -> None:
    logits = torch.tensor([[9.0, 0.0], [0.0, math.log(3)], [9.0, 0.0], [0.0, 0.0]])
    guesses = torch.tensor(
        [-1, 1, 0, -1]
    )  # one of the two target rows; a source row is passed over
    found = term(Alignment("pseudo"), seen(torch.zeros(4, 1), logits, guesses=guesses), None)
    assert float(found) == pytest.approx(math.log(4 / 3) / 2)
    none = seen(torch.zeros(4, 1), logits, guesses=torch.full((4,), -1))
    assert float(term(Alignment("pseudo"), none, None)) == 0.0


def test_pseudo_learns_guesses_with_the_weights_of_their_classes() -> None:
    logits = torch.tensor([[9.0, 0.0], [0.0, math.log(3)], [9.0, 0.0], [0.0, 0.0]])
    made = seen(torch.zeros(4, 1), logits, guesses=torch.tensor([-1, 1, -1, 0]))
    weighed = replace(made, weights=torch.tensor([1.0, 3.0]))
    expected = (3 * math.log(4 / 3) + math.log(2)) / 4
    assert float(term(Alignment("pseudo"), weighed, None)) == pytest.approx(expected)
    none = replace(weighed, guesses=torch.zeros(4, dtype=torch.long))
    weightless = replace(none, weights=torch.tensor([0.0, 1.0]))
    assert float(term(Alignment("pseudo"), weightless, None)) == 0.0


@pytest.mark.parametrize("name", TERMS)
def test_a_lone_row_of_a_domain_says_nothing(name: Any) -> None:
    logits = torch.randn(3, 2, requires_grad=True)
    found = term(Alignment(name), seen(torch.randn(3, 4), logits), None)
    assert float(found.detach()) == 0.0
    found.backward()


def test_a_batch_is_cut_so_that_each_piece_has_rows_of_the_domains_that_the_term_reads() -> None:
    own = torch.arange(10) % 2 == 0

    def cuts(alignment: Alignment, own: Tensor, other: Tensor, most: int) -> list[tuple[int, int]]:
        found = term_pieces(alignment, own, other, most=most)
        return [(cut.start, cut.stop) for cut in found]

    assert cuts(Alignment("mmd"), own, ~own, 4) == [(0, 4), (4, 10)]
    assert cuts(Alignment("mmd"), own, ~own, 99) == [(0, 10)]
    # Labelled rows of the target are of neither.
    few = own & (torch.arange(10) > 4)
    assert cuts(Alignment("mmd"), few, ~own, 4) == [(0, 10)]
    assert cuts(Alignment("mcc"), few, ~own, 4) == [(0, 4), (4, 10)]
    alone = torch.ones(5, dtype=torch.bool)
    assert cuts(Alignment("shot", source=False), ~alone, alone, 1) == [(0, 2), (2, 5)]
