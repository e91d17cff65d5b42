"""Tests the plan of transport by hand and against linear programming, then the method."""

import itertools

import numpy as np
import pytest

from regraft.adaptation.jdot import Jdot, best_plan
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.residual import Pace
from regraft.adaptation.standardise import Standardise
from tests import two_domains


def test_a_plan_of_three_rows_worked_by_hand() -> None:
    # The cheapest cell of each row is in column 0: 2 + 1 + 3 = 6 is least, of 6 ways.
    cost = np.array([[1.0, 2.0, 9.0], [1.0, 5.0, 6.0], [2.0, 7.0, 3.0]])
    wanted = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]]) / 3
    assert best_plan(cost) == pytest.approx(wanted)
    ways = itertools.permutations(range(3))
    least = min(sum(cost[i, j] for i, j in enumerate(way)) for way in ways)
    assert (best_plan(cost) * cost).sum() == pytest.approx(least / 3) == 2.0


@pytest.mark.parametrize("seed", range(5))
def test_no_plan_of_linear_programming_is_cheaper(seed: int) -> None:
    from scipy.optimize import linear_sum_assignment, linprog

    size = 6
    cost = np.random.default_rng(seed).random((size, size))
    rows = np.kron(np.eye(size), np.ones(size))
    columns = np.kron(np.ones(size), np.eye(size))
    sums = np.full(2 * size, 1 / size)
    wanted = linprog(cost.ravel(), A_eq=np.concatenate([rows, columns]), b_eq=sums).fun
    plan = best_plan(cost)
    assert (plan * cost).sum() == pytest.approx(wanted, abs=1e-9)
    assert plan.sum(axis=0) == pytest.approx(np.full(size, 1 / size))
    assert plan.sum(axis=1) == pytest.approx(np.full(size, 1 / size))
    first, second = linear_sum_assignment(cost)
    assert plan[first, second] == pytest.approx(np.full(size, 1 / size))


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_there_is_no_plan_where_a_cost_is_no_finite_number(odd: float) -> None:
    with pytest.raises(NotFiniteError):
        best_plan(np.array([[1.0, odd], [odd, odd]]))


def test_it_follows_classes_that_turned() -> None:
    source = two_domains.turned(400, 0, by=0.0)
    target = two_domains.turned(400, 1, by=1.0)
    given = two_domains.domains(source, target)
    before = two_domains.accuracy(Standardise().adapt(given), target)
    method = Jdot(pace=Pace(steps=150, rows=64, rate=5e-3))
    assert two_domains.accuracy(method.adapt(given), target) > max(0.97, before)
