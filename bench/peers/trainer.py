"""Fine-tunes with Hugging Face's Trainer: at its defaults, at its best flags, or its head only.

At its defaults: batch 8, fp32, dropout on, rate 5e-5, linear decay, no warm-up. At its best:
the fastest precision here, rows grouped by length, dropout off, batch 32, rate 1e-4, trunk as
it is. Evaluation after each epoch on the part `val`, at the end once on `test`; nothing is
saved. Prints one JSON line.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

Rows = list[dict[str, Any]]
BEST: dict[str, Any] = {
    "per_device_train_batch_size": 32,
    "per_device_eval_batch_size": 32,
    "learning_rate": 1e-4,
    "group_by_length": True,
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="Parquet: text, label, split")
    parser.add_argument("--model", type=Path, help="folder of the model; default: regraft's cache")
    parser.add_argument("--max-length", type=int, help="most tokens a text; default: by the data")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--best", action="store_true")
    parser.add_argument("--frozen", action="store_true")
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


def bf16_pays() -> bool:
    """Says whether products of bf16 matrices are faster here."""
    import time

    def seconds(dtype: torch.dtype) -> float:
        one = torch.randn(1024, 1024).to(dtype)
        one @ one
        start = time.perf_counter()
        for _ in range(5):
            one @ one
        return time.perf_counter() - start

    return seconds(torch.bfloat16) < 0.9 * seconds(torch.float32)


def make_trainer(typed: argparse.Namespace, folder: str) -> tuple[Trainer, Rows]:
    """Returns a trainer and the test rows."""
    tokenizer = AutoTokenizer.from_pretrained(typed.model)
    parts, classes = read_parts(typed.data, tokenizer, typed.max_length)
    changed = NO_DROPOUT if typed.best else {}
    model = AutoModelForSequenceClassification.from_pretrained(
        typed.model, num_labels=len(classes), **changed
    )
    if typed.frozen:
        model.base_model.requires_grad_(False)
    best = {**BEST, "bf16": bf16_pays()} if typed.best else {}
    settings = TrainingArguments(
        output_dir=folder,
        num_train_epochs=typed.epochs,
        seed=typed.seed,
        eval_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        **best,
    )
    trainer = Trainer(
        model=model,
        args=settings,
        train_dataset=parts["train"],
        eval_dataset=parts["val"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=accuracy,
    )
    return trainer, parts["test"]


def main() -> None:
    """Trains, tests and prints one JSON line."""
    typed = arguments()
    if typed.model is None:
        from regraft.backbones.sources.starter import model_folder

        typed.model = model_folder("minilm")
    typed.max_length = typed.max_length or (256 if "imdb" in typed.data.name else 128)
    set_seed(typed.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer, test = make_trainer(typed, folder)
        trainer.train()
        score = trainer.evaluate(test, metric_key_prefix="test")["test_accuracy"]
    history = [e["eval_accuracy"] for e in trainer.state.log_history if "eval_accuracy" in e]
    precision = "bf16" if trainer.args.bf16 else "fp32"
    print(json.dumps({"accuracy": score, "val": history, "precision": precision}))


if __name__ == "__main__":
    main()
