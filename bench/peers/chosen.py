"""Chooses among peers' candidates as `regraft adapt` does, and scores what is kept.

    python bench/peers/chosen.py FEATURES.npz ANSWERS.npz

Measure and guards are those of `regraft.adaptation.selection`; the target's labels score what
was kept, and the best candidate of all, which nobody could have chosen, as the oracle.
"""

import json
import sys
from dataclasses import asdict
from typing import Any

import numpy as np

from regraft.adaptation.decision import MARGIN, NEAR
from regraft.adaptation.domains import Domains, shares_of
from regraft.adaptation.guards import Evidence, objections
from regraft.adaptation.selection import information_of
from regraft.scoring.intervals import wilson
from regraft.training.heads.probe import Labelled, fit_probe

Arrays = Any


def domains_in(data: Arrays) -> Domains:
    """Returns what may be known of the two domains."""
    train = Labelled(data["source"], data["source_labels"])
    val = Labelled(data["val"], data["val_labels"])
    classes = int(train.labels.max()) + 1
    shares = np.maximum(shares_of(train.labels, classes=classes), 1e-6)
    return Domains(train, val, data["target"], fit_probe(train, classes), shares)


def evidence_of(candidate: str, answers: Arrays, domains: Domains) -> tuple[float, Evidence]:
    """Returns the information of a candidate's answers, and what the guards look at."""
    starts = [name for name in names_in(answers) if name.startswith("source-only")]
    judged = {}
    for name in (candidate, starts[-1]):
        information, reverse = information_of(answers[f"{name}/target"], domains)
        right = (answers[f"{name}/val"] == domains.val.labels).astype(np.float64)
        judged[name] = (information, reverse, right)
    now, before = judged[candidate], judged[starts[-1]]
    evidence = Evidence(
        answers[f"{candidate}/target"],
        answers[f"{starts[-1]}/target"],
        domains.proportions,
        domains.proportions,
        (now[2], before[2]),
        (now[1], before[1]),
    )
    return now[0], evidence


def names_in(answers: Arrays) -> list[str]:
    """Returns the candidates."""
    return list(dict.fromkeys(key.partition("/")[0] for key in answers.files if "/" in key))


def choice(answers: Arrays, domains: Domains) -> str:
    """Returns the candidate that `regraft.adaptation.decision` would keep, or source-only."""
    names = names_in(answers)
    start = [name for name in names if name.startswith("source-only")][-1]
    seen = {name: evidence_of(name, answers, domains) for name in names}
    passed = [name for name, (_, each) in seen.items() if not any(objections(each).values())]
    taught = {name: float(seen[name][1].reverse_right[0].mean()) for name in passed}
    near = [name for name in passed if taught[name] >= max(taught.values()) - NEAR]
    best = max(near, key=lambda name: seen[name][0])
    return best if seen[best][0] > seen[start][0] + MARGIN else start


def main() -> None:
    """Prints what was kept and how good it is."""
    data, answers = np.load(sys.argv[1]), np.load(sys.argv[2])
    right = {
        name: int((answers[f"{name}/scored"] == data["scored_labels"]).sum())
        for name in names_in(answers)
    }
    kept, rows = choice(answers, domains_in(data)), len(data["scored_labels"])
    told = {
        "chosen": kept,
        "accuracy": asdict(wilson(right[kept], rows)),
        "oracle": {name: count / rows for name, count in right.items()},
        "seconds": float(answers["seconds"]),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
