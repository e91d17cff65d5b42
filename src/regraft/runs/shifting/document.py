"""Makes the document of a shift, and the sentences that say what it means."""

from dataclasses import asdict
from typing import Any

import numpy as np

from regraft.adaptation.shifting.effects import Effect, effects
from regraft.adaptation.shifting.pictures import picture_numbers
from regraft.adaptation.shifting.two_sample import FEWEST, TwoSample
from regraft.adaptation.shifting.words import Word, marking_words, text_numbers
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.shifting.comparison import Comparison
from regraft.runs.shifting.gathered import Gathered, source_rows
from regraft.scoring.intervals import Score, wilson

Document = dict[str, Any]
MOST_TEXTS = 5000
MOST_PICTURES = 500
"""Rows of a domain whose words or pixels are looked at."""
LARGE = 0.8
"""Effect size that Cohen calls large."""
SHOWN = 5


def shift_document(
    found: Comparison, gathered: Gathered, *, prepared: Prepared, target: Target
) -> Document:
    """Returns plain data that say whether the target differs from the source, and how.

    Args:
        found: What the comparison came to.
        gathered: What was compared.
        prepared: Of the source.
        target: Its rows, and the labels that are scored.
    """
    parts, classes = prepared.dataset.parts, prepared.dataset.classes
    shares = zip(classes, found.priors.source.tolist(), found.priors.target, strict=True)
    document = {
        "data": {
            "name": prepared.dataset.name,
            "rows": {part: len(rows) for part, rows in parts.items()},
        },
        "target": {
            "name": target.name,
            "rows": {"used": len(target.used), "scored": len(target.scored)},
            "problems": len(target.problems),
        },
        "backbone": prepared.backbone.name,
        "warnings": list(prepared.dataset.warnings),
        "seed": prepared.settings.seed,
        "verdict": _verdict(found.told),
        "only_proportions": found.only_proportions,
        "proportions_tested": found.tested,
        "domain_classifier": _told(found),
        "proportions": {n: {"source": s, "target": asdict(t)} for n, s, t in shares},
        "differences": _differences(prepared, target),
        "estimate": {
            "accuracy": asdict(found.estimate.accuracy),
            "source_accuracy": asdict(found.estimate.source),
            "methods": found.estimate.methods,
            "effective_share": found.estimate.effective_share,
        },
        **_oracle(gathered, target),
        "cache": prepared.cache.tally.as_json(),
    }
    return {**document, "sentences": sentences(document)}


def _verdict(told: TwoSample) -> str:
    if not told.enough:
        return "too few rows"
    return "shift" if told.shift else "no shift"


def sentences(document: Document) -> list[str]:
    """Returns what the numbers say, the verdict first.

    Args:
        document: With all that was found.
    """
    told, estimate = document["domain_classifier"], document["estimate"]
    right, p_value = told["accuracy"]["value"], told["p_value"]
    names = (document["data"]["name"], document["target"]["name"])
    if document["verdict"] == "no shift":
        first = (
            f"No shift is seen: a classifier that tells {names[0]} from {names[1]} is right on "
            f"{right:.1%} of rows, which chance explains (p = {p_value:.2f})."
        )
    elif document["verdict"] == "too few rows":
        first = (
            f"There are too few different rows to tell {names[0]} from {names[1]}: "
            f"{told['rows']} of each, and {FEWEST} are needed."
        )
    else:
        first = (
            f"There is a shift: a classifier that tells {names[0]} from {names[1]} is right on "
            f"{right:.1%} of rows, where chance reaches {told['chance']['high']:.1%} at most."
        )
    low, high = (estimate["accuracy"][end] for end in ("low", "high"))
    between = (_about_proportions(document), _about_differences(document))
    return [
        first,
        *filter(None, between),
        f"A classifier of the source's labels is expected to be right on "
        f"{estimate['accuracy']['value']:.0%} of the target (from {low:.0%} to {high:.0%}), beside "
        f"{estimate['source_accuracy']['value']:.0%} of the source.",
    ]


def _about_proportions(document: Document) -> str:
    if document["only_proportions"]:
        return (
            "Only the proportions of the classes differ: drawn in the target's, no shift is left."
        )
    if document["verdict"] != "shift":
        return ""
    if document["proportions_tested"]:
        return "It is not one of proportions alone."
    return "Whether it is one of proportions alone cannot be told from these rows."


def _about_differences(document: Document) -> str:
    """Names the largest effects, or the words that mark the target."""
    numbers = document["differences"]["numbers"]
    large = [each["name"] for each in numbers if abs(each["effect"]["value"]) >= LARGE]
    marking = document["differences"].get("words", {"target": []})
    words = [each["word"] for each in marking["target"]]
    told = [f"Largely different: {', '.join(large)}."] if large else []
    if words:
        told.append(f"Words of the target: {', '.join(words[:SHOWN])}.")
    return " ".join(told) if document["verdict"] == "shift" else ""


def _told(found: Comparison) -> Document:
    low, high = np.percentile(found.told.chance, [1, 99])
    evened = found.evened
    return {
        "accuracy": asdict(found.told.accuracy),
        "chance": {"low": float(low), "high": float(high)},
        "p_value": found.told.p_value,
        "rows": found.told.rows,
        "in_target_proportions": evened
        and {
            "accuracy": asdict(evened.accuracy),
            "p_value": evened.p_value,
            "rows": evened.rows,
        },
    }


def _differences(prepared: Prepared, target: Target) -> Document:
    """Returns effect sizes, and of texts the words that mark either domain."""
    texts = prepared.dataset.modality == "text"
    most = MOST_TEXTS if texts else MOST_PICTURES
    order = np.random.default_rng(prepared.settings.seed).permutation(len(target.rows))[:most]
    rows = (source_rows(prepared, most), target.rows.take(order))
    if not texts:
        measured = [picture_numbers(each.inputs) for each in rows]
        return {"numbers": _effects(effects(*measured))}
    first, second = ([str(text) for text in each.inputs] for each in rows)
    of_source, of_target = marking_words(first, second)
    return {
        "numbers": _effects(effects(text_numbers(first), text_numbers(second))),
        "words": {"source": _words(of_source), "target": _words(of_target)},
    }


def _effects(found: list[Effect]) -> list[Document]:
    return [
        {
            "name": each.name,
            "source": each.source,
            "target": each.target,
            "effect": asdict(each.size),
        }
        for each in found
    ]


def _words(found: list[Word]) -> list[Document]:
    return [asdict(each) for each in found]


def _oracle(gathered: Gathered, target: Target) -> Document:
    """Returns the true accuracy where target labels are scored."""
    if not len(target.scored):
        return {}
    answers = gathered.start.logits(gathered.target.features[target.scored]).argmax(axis=1)
    found: Score = wilson(int((answers == target.labels).sum()), len(target.labels))
    return {"oracle": {"rows": len(target.labels), "accuracy": asdict(found)}}
