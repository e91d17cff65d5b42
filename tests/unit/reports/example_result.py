"""Makes the document of a plausible run, for the tests of tables, plots and the page."""

from typing import Any

CLASSES = ["negative", "neutral", "positive"]


def score(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def scores(accuracy: float, log_loss: float) -> dict[str, Any]:
    return {
        "accuracy": score(accuracy),
        "macro_f1": score(accuracy - 0.013),
        "balanced_accuracy": score(accuracy - 0.01),
        "log_loss": score(log_loss, 0.03),
        "ece": score(0.031, 0.008),
    }


def baseline(name: str, accuracy: float, log_loss: float, seconds: float) -> dict[str, Any]:
    share = 0.00005 if name == "linear probe" else 0.0
    cost = {"name": name, "seconds": seconds, "trained_share": share}
    return {**scores(accuracy, log_loss), **cost}


def epoch(phase: str, number: int, losses: tuple[float, float], best: bool) -> dict[str, Any]:
    train, val = losses
    return {
        "phase": phase,
        "epoch": number,
        "train_loss": train,
        "train_accuracy": 1 - train / 3,
        "val_loss": val,
        "val_accuracy": 1 - val / 3,
        "seconds": 9.4,
        "rows_per_second": 214.0,
        "rate": 2e-5,
        "best": best,
    }


def history() -> list[dict[str, Any]]:
    head = [epoch("head", n, (0.9 - 0.1 * n, 0.85 - 0.08 * n), False) for n in (1, 2, 3)]
    losses = [(0.48, 0.46), (0.33, 0.38), (0.22, 0.36), (0.15, 0.39)]
    return head + [epoch("upper half", n, pair, n == 3) for n, pair in enumerate(losses, 1)]


def phase(name: str, line: int, rates: dict[str, float], trained: int) -> dict[str, Any]:
    groups = [
        {"name": group, "lr": rate, "weight_decay": 0.01, "parameters": trained // len(rates)}
        for group, rate in rates.items()
    ]
    return {
        "name": name,
        "line": line,
        "epochs": 3,
        "groups": groups,
        "trained": trained,
        "share": trained / 22_714_371,
    }


def mistakes() -> list[dict[str, Any]]:
    texts = [
        ("Not bad at all, I would even say the best coffee in town.", "positive", "negative"),
        ("I waited two hours. Great. Just great.", "negative", "positive"),
        ("It is a hotel with rooms and a roof.", "neutral", "positive"),
        ("خدمة ممتازة لكن الغرفة صغيرة", "positive", "neutral"),
    ]
    return [
        {
            "origin": f"reviews.csv:{17 + 211 * n}",
            "text": text,
            "label": label,
            "prediction": prediction,
            "confidence": 0.99 - 0.02 * n,
        }
        for n, (text, label, prediction) in enumerate(texts)
    ]


def training_part() -> dict[str, Any]:
    return {
        "seconds": {"total": 71.4, "data": 1.2, "probe": 8.9, "train": 56.0, "evaluate": 4.1},
        "trained_share": 0.2344,
        "plan": {
            "phases": [
                phase("head", 6, {"head": 1e-3}, 1155),
                phase("upper half", 3, {"block 3": 5e-6, "block 4": 1e-5, "head": 1e-3}, 5_324_355),
            ]
        },
        "freezing": {
            "line": 3,
            "saved_backward_share": 0.52,
            "ledger": [
                {"step": 0, "phase": "head", "kind": "freeze", "line": 6, "digests": {"b": "ab"}},
                {"step": 120, "phase": "upper half", "kind": "thaw", "line": 3, "digests": {}},
            ],
            "proof": {
                "holds": True,
                "stretches": [{"phase": "head", "blocks": 6, "still": True}],
            },
        },
        "cache": {"hit": False, "fill_seconds": 6.1, "bytes": 12_902_400},
        "history": history(),
        "defaults": [
            {"name": "epochs", "value": 4, "reason": "2,400 training rows"},
            {"name": "max_length", "value": 96, "reason": "99 % of the texts are shorter"},
        ],
    }


def scored_part() -> dict[str, Any]:
    return {
        "scores": {"val": scores(0.912, 0.26), "test": scores(0.907, 0.271)},
        "baselines": {
            "majority": baseline("always positive", 0.41, 1.08, 0.0),
            "classic": baseline("TF-IDF + logistic regression", 0.832, 0.46, 0.9),
            "linear_probe": baseline("linear probe", 0.871, 0.35, 8.9),
        },
        "classes": list(CLASSES),
        "confusion": [[98, 6, 4], [7, 75, 5], [2, 4, 99]],
        "per_class": [
            {"class": name, "precision": 0.9, "recall": 0.91, "f1": 0.905, "rows": rows}
            for name, rows in zip(CLASSES, (108, 87, 105), strict=True)
        ],
        "calibration": [
            {"confidence": 0.45, "accuracy": 0.41, "rows": 12},
            {"confidence": 0.65, "accuracy": 0.6, "rows": 31},
            {"confidence": 0.85, "accuracy": 0.83, "rows": 62},
            {"confidence": 0.97, "accuracy": 0.96, "rows": 195},
        ],
        "mistakes": mistakes(),
        "gain": {
            "sentence": "Transfer gained 7.5 points of accuracy over the classic.",
            "over": "TF-IDF + logistic regression",
            "difference": 0.075,
            "low": 0.041,
            "high": 0.109,
        },
        "verdict": "",
    }


def example_result() -> dict[str, Any]:
    """Returns a new document each time, so that a test may change it."""
    return {
        "run": "runs/reviews-two-stage-001",
        "data": {"name": "reviews", "modality": "text", "rows": {"train": 2400, "test": 300}},
        "backbone": {"name": "starter:minilm", "licence": "Apache-2.0", "width": 384},
        "strategy": "two-stage",
        "seed": 0,
        **scored_part(),
        **training_part(),
        "environment": {"python": "3.11.7", "torch": "2.14.1", "device": "cpu", "threads": 2},
        "understood": [
            "3,000 rows in reviews.csv, 3 classes: negative 1,080, neutral 870, positive 1,050",
            "texts are in the column review, as its name says; labels are in stars",
            "80/10/10 split by a hash of the content, stratified by class",
        ],
        "warnings": ["14 texts occur twice; they were kept in the same part"],
        "next": [
            'regraft predict runs/reviews-two-stage-001 "what a day"',
            "regraft report runs/reviews-two-stage-001",
        ],
    }
