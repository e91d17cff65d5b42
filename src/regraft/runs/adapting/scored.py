"""Makes the scores of an adaptation: of methods on target labels, of what costs less."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from regraft.adaptation.domains import Domains
from regraft.adaptation.selection import Judged
from regraft.runs.adapting.features import Pools
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.scoring import baselines
from regraft.scoring.intervals import paired_difference, wilson
from regraft.scoring.metrics import softmax
from regraft.scoring.scores import score

Document = dict[str, Any]
Labels = npt.NDArray[np.int64]
FITS = {"majority": baselines.majority, "classic": baselines.classic}


def method_documents(
    judged: Sequence[Judged], *, pools_of: Callable[[str], Pools], target: Target
) -> list[Document]:
    """Returns each method's entry, with its oracle score where target labels may be scored.

    Args:
        judged: Source-only first.
        pools_of: Features of all rows that a method reads, by its name.
        target: Its rows, and the labels that are scored.
    """
    return [
        {
            "name": shown_name(each.name),
            "selection": each.selection(),
            "guards": each.objections,
            "passed": not each.reasons,
            "seconds": round(each.seconds, 3),
            **_oracle(each, judged[0], pools_of, target),
        }
        for each in judged
    ]


def shown_name(name: str) -> str:
    """Returns a method's name as keys of `result.json` are spelled.

    >>> shown_name("source-only"), shown_name("adabn+coral-recolour:ridge=1e-2")
    ('source_only', 'adabn+coral_recolour:ridge=1e-2')
    """
    return "+".join(map(_shown, name.split("+")))


def _shown(part: str) -> str:
    plain, colon, options = part.partition(":")
    return plain.replace("-", "_") + colon + options


def target_scores(judged: Judged, *, pools: Pools, target: Target) -> Document:
    """Returns the scores of a classifier on the target rows that are scored; empty without."""
    if not len(target.scored):
        return {}
    probabilities = softmax(judged.adapted.on_target.logits(pools.target[target.scored]))
    return {"target": score(probabilities, target.labels).as_json()}


def baseline_documents(
    prepared: Prepared, domains: Domains, *, pools: Pools, target: Target
) -> tuple[Document, Document]:
    """Returns the baselines' scores on the source's test rows, and on the target.

    Both know the source alone: the linear probe is source-only.

    Args:
        prepared: Of the source.
        domains: With the linear probe.
        pools: Features of all rows.
        target: Its rows, and the labels that are scored.
    """
    parts = prepared.dataset.parts
    asked = (parts["test"], target.rows.take(target.scored))
    labels = (parts["test"].labels, target.labels)
    total = sum(p.numel() for p in prepared.network.parameters())
    found: tuple[Document, Document] = ({}, {})
    for key in FITS:
        started = time.perf_counter()
        fitted = FITS[key](parts["train"], asked)
        seconds = time.perf_counter() - started
        _note(found, key, (fitted.name, fitted.parts, labels), {"seconds": round(seconds, 3)})
    features = (pools.part("test"), pools.target[target.scored])
    answers = tuple(_answered(domains, each) for each in features)
    size = domains.start.weight.size + domains.start.bias.size
    _note(
        found,
        "linear_probe",
        ("linear probe", answers, labels),
        {"trained_share": size / total},
    )
    return found


def _note(
    found: tuple[Document, Document],
    key: str,
    answered: tuple[str, Sequence[npt.NDArray[np.float64]], Sequence[Labels]],
    costs: Document,
) -> None:
    """Adds one baseline's scores to each part that has rows."""
    name, answers, labels = answered
    costs = {"seconds": None, "trained_share": 0.0, **costs}
    for part, probabilities, known in zip(found, answers, labels, strict=True):
        if len(known):
            part[key] = {"name": name, **score(probabilities, known).as_json(), **costs}


def _answered(domains: Domains, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    if not len(features):
        return np.zeros((0, domains.classes))
    return softmax(domains.start.logits(features))


def _oracle(
    judged: Judged, start: Judged, pools_of: Callable[[str], Pools], target: Target
) -> Document:
    """Returns accuracy on the rows that are scored, and the gain over source-only there."""
    if not len(target.scored):
        return {}
    right, before = (_right(each, pools_of(each.name), target) for each in (judged, start))
    oracle = {"accuracy": asdict(wilson(int(right.sum()), len(right)))}
    if judged is not start:
        oracle["gain"] = asdict(paired_difference(right, before))
    return {"oracle": oracle}


def _right(judged: Judged, pools: Pools, target: Target) -> npt.NDArray[np.float64]:
    predicted = judged.adapted.on_target.logits(pools.target[target.scored]).argmax(axis=1)
    return np.asarray(predicted == target.labels, np.float64)
