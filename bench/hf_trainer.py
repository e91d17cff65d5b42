"""Fine-tunes with Hugging Face's Trainer at its defaults: the peer to measure against.

Batch 8, fp32, dropout on, rate 5e-5, linear decay, no warm-up: nothing is set here that
its users would not have to set. Evaluation after each epoch on the part `val`, at the end
once on `test`; nothing is saved. Prints one JSON line.
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402  (the clock starts before the imports, they count)
import json  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

Rows = list[dict[str, Any]]


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="Parquet: text, label, split")
    parser.add_argument("--model", type=Path, required=True, help="folder of the pretrained model")
    parser.add_argument("--max-length", type=int, default=128, help="most tokens a text")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def read_parts(data: Path, tokenizer: Any, max_length: int) -> tuple[dict[str, Rows], list[str]]:
    """Returns the tokenised rows of each part, at true length, and the names of the classes."""
    columns = pq.read_table(data, columns=["text", "label", "split"]).to_pydict()
    classes = sorted(set(columns["label"]))
    encoded = tokenizer(columns["text"], truncation=True, max_length=max_length, padding=False)
    parts: dict[str, Rows] = {"train": [], "val": [], "test": []}
    for i, (label, part) in enumerate(zip(columns["label"], columns["split"], strict=True)):
        row = {key: values[i] for key, values in encoded.items()}
        parts[part].append({**row, "labels": classes.index(label)})
    return parts, classes


def accuracy(prediction: Any) -> dict[str, float]:
    """Returns the share of rows whose greatest logit is that of their label."""
    right = np.argmax(prediction.predictions, axis=-1) == prediction.label_ids
    return {"accuracy": float(right.mean())}


def make_trainer(typed: argparse.Namespace, folder: str) -> tuple[Trainer, Rows, dict[str, int]]:
    """Returns a trainer at its defaults, the test rows and the number of rows of each part."""
    tokenizer = AutoTokenizer.from_pretrained(typed.model)
    parts, classes = read_parts(typed.data, tokenizer, typed.max_length)
    model = AutoModelForSequenceClassification.from_pretrained(typed.model, num_labels=len(classes))
    settings = TrainingArguments(
        output_dir=folder,
        num_train_epochs=typed.epochs,
        seed=typed.seed,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=parts["train"],
        eval_dataset=parts["val"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=accuracy,
    )
    return trainer, parts["test"], {part: len(rows) for part, rows in parts.items()}


def main() -> None:
    """Trains, tests and prints one JSON line."""
    typed = arguments()
    set_seed(typed.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer, test, rows = make_trainer(typed, folder)
        trainer.train()
        score = trainer.evaluate(test, metric_key_prefix="test")["test_accuracy"]
    history = [e["eval_accuracy"] for e in trainer.state.log_history if "eval_accuracy" in e]
    seconds = time.perf_counter() - STARTED
    print(json.dumps({"accuracy": score, "val": history, "seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
