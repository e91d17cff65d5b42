"""Tests that the picture of two domains shows what the classifiers see of them."""

import json

import numpy as np
import pytest

from regraft.adaptation.domains import Domains
from regraft.adaptation.standardise import Standardise
from regraft.runs.adapting import projection as module
from regraft.runs.adapting.projection import Seen, plane_of, projection
from tests.two_domains import domains, moved, two_classes, wide


def three_classes() -> Domains:
    return domains(wide(120, 0), wide(90, 1, shift=3.0))


def distance(picture: dict[str, list[list[float]]]) -> float:
    source, target = (np.array(picture[name]).mean(axis=0) for name in ("source", "target"))
    return float(np.linalg.norm(source - target))


def test_what_was_kept_brings_the_domains_together_in_the_picture() -> None:
    made = three_classes()
    adapted = Standardise().adapt(made)
    found = projection(made, Seen(adapted, made.source.features, made.target))
    assert distance(found["after"]) < 0.3 < 2 < distance(found["before"])


def test_classes_of_the_source_lie_apart_in_it() -> None:
    made = three_classes()
    found = projection(made, None)
    points, classes = np.array(found["before"]["source"]), np.array(found["classes"])
    means = np.array([points[classes == label].mean(axis=0) for label in range(3)])
    gaps = [np.linalg.norm(means[a] - means[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    within = np.linalg.norm(points - means[classes], axis=1).mean()
    assert min(gaps) > 2 * within


def test_without_a_method_there_is_no_second_picture() -> None:
    assert set(projection(three_classes(), None)) == {"classes", "before"}


def test_two_classes_get_a_second_axis_across_the_first() -> None:
    made = domains(two_classes(80, 0), moved(60))
    plane = plane_of(made.start, made.source.features)
    assert plane.classes[:, 0].tolist() == pytest.approx([-(0.5**0.5), 0.5**0.5])
    line = made.start.weight[1] - made.start.weight[0]
    assert float(plane.inputs[:, 0] @ line) == pytest.approx(0, abs=1e-5)
    assert np.linalg.norm(plane.inputs) == pytest.approx(1, abs=1e-5)
    points = np.array(projection(made, None)["before"]["source"])
    signs = np.sign(points[:, 0]) == np.sign(made.source.labels - 0.5)
    assert signs.mean() > 0.95


def test_points_are_few_measured_by_the_source_and_plain_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POINTS", 50)
    found = projection(three_classes(), None)
    points = np.array(found["before"]["source"])
    assert (len(points), len(found["before"]["target"]), len(found["classes"])) == (50, 50, 50)
    assert np.sqrt((points**2).mean(axis=0)) == pytest.approx([1, 1], abs=1e-3)
    assert json.loads(json.dumps(found)) == found


def test_the_same_rows_make_the_same_points() -> None:
    assert projection(three_classes(), None) == projection(three_classes(), None)
