"""Makes the document of a shift, for tests of its tables."""

from typing import Any

SCORE = {"value": 0.75, "low": 0.7, "high": 0.8}


def example_shift(**more: Any) -> dict[str, Any]:
    """Returns a document like that of texts that differ."""
    number = {"name": "words", "source": 20.0, "target": 8.5, "effect": dict(SCORE)}
    word = {"word": "soup", "source": 0.0, "target": 0.5, "z": 4.25}
    return {
        "verdict": "shift",
        "only_proportions": False,
        "proportions_tested": True,
        "domain_classifier": {
            "accuracy": dict(SCORE),
            "chance": {"low": 0.45, "high": 0.55},
            "p_value": 0.002,
            "rows": 1200,
            "shared": 0,
        },
        "proportions": {"neg": {"source": 0.5, "target": dict(SCORE)}},
        "differences": {"numbers": [number], "words": {"source": [], "target": [word]}},
        "estimate": {
            "accuracy": dict(SCORE),
            "source_accuracy": dict(SCORE),
            "methods": {"importance_weighted": 0.8, "agreement": 0.7},
            "effective_share": 0.25,
        },
        "sentences": ["There is a shift.", ""],
        **more,
    }
