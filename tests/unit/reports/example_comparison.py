"""Makes the document of a comparison as `compare` writes it, for tests of what is drawn."""

from typing import Any


def score(value: float, width: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - width, "high": value + width}


def cell(fraction: float, accuracy: float, difference: float | None) -> dict[str, Any]:
    return {
        "fraction": fraction,
        "rows": 1000 * fraction,
        "accuracy": score(accuracy),
        "macro_f1": score(accuracy),
        "log_loss": score(0.4),
        "val_accuracy": accuracy,
        "seconds": 12.5,
        "trained_share": 0.25,
        "difference": None if difference is None else score(difference),
    }


def example_comparison() -> dict[str, Any]:
    """Returns a comparison of two strategies with three shares, three seeds each."""
    needed = {"accuracy": 0.8, "rows": 215.4, "at_most": False, "of": 1000.0, "share": 0.2154}
    head = [cell(0.1, 0.7, None), cell(0.3, 0.75, None), cell(1.0, 0.8, None)]
    classic = [cell(0.1, 0.6, -0.1), cell(0.3, 0.7, -0.05), cell(1.0, 0.75, -0.05)]
    full = [cell(0.1, 0.76, 0.06), cell(0.3, 0.82, 0.07), cell(1.0, 0.9, 0.1)]
    return {
        "comparison": "runs/reviews-compare-001",
        "data": {
            "name": "reviews",
            "classes": ["neg", "pos"],
            "rows": {"train": 900, "val": 100, "test": 120},
            "split": "80/10/10",
        },
        "backbone": {"name": "starter:minilm"},
        "against": "head",
        "seeds": [0, 1, 2],
        "fractions": [0.1, 0.3, 1.0],
        "strategies": [
            {"name": "head", "fractions": head, "rows_needed": None},
            {"name": "two-stage", "fractions": full, "rows_needed": needed},
        ],
        "baselines": [
            {"key": "classic", "name": "TF-IDF", "fractions": classic, "rows_needed": None}
        ],
        "gain": {"over": "TF-IDF", "difference": score(0.15)},
        "best": {"name": "two-stage", "over": "head", "difference": score(0.1), "clear": True},
        "rows_needed": needed,
        "seconds": {"total": 300.0},
        "proof": {"holds": True},
        "environment": {"processor": "a processor", "torch": "2.14", "threads": 2},
        "sentences": ["two-stage is best on validation."],
    }
