"""Fine-tunes with Hugging Face's Trainer: at its defaults, at its best flags, or its head only.

At its defaults: batch 8, fp32, dropout on, rate 5e-5, linear decay, no warm-up, texts padded to
the longest of their batch. At its best: the precision that is fastest here, rows grouped by
length, dropout off, batch 32, rate 1e-4. Evaluation after each epoch on the part `val`, at the
end once on `test`; nothing is saved. The starter has no weights of BERT's pooler, so the
Trainer's network starts with a random one; where the trunk is frozen it moves with the head.
"""

import argparse
import tempfile
from typing import Any

import numpy as np
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

from peer import Rows, parser_of, read_parts, report, unzipped

BEST: dict[str, Any] = {
    "per_device_train_batch_size": 32,
    "per_device_eval_batch_size": 32,
    "learning_rate": 1e-4,
    "train_sampling_strategy": "group_by_length",
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = parser_of(__doc__, model="minilm", batch_size=8)
    parser.add_argument("--max-length", type=int, required=True, help="most tokens a text")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--best", action="store_true", help="at its best flags")
    parser.add_argument("--precision", default="fp32", help="the fastest here; used with --best")
    parser.add_argument("--frozen", action="store_true", help="train the head only")
    return parser.parse_args()


def encode(rows: Rows, tokenizer: Any, max_length: int) -> list[dict[str, Any]]:
    """Returns tokenised rows at true length."""
    texts, labels = unzipped(rows)
    encoded = tokenizer(texts, truncation=True, max_length=max_length, padding=False)
    return [
        {**{key: values[i] for key, values in encoded.items()}, "labels": label}
        for i, label in enumerate(labels)
    ]


def accuracy(prediction: Any) -> dict[str, float]:
    """Returns the share of rows whose greatest logit is that of their label."""
    right = np.argmax(prediction.predictions, axis=-1) == prediction.label_ids
    return {"accuracy": float(right.mean())}


def freeze(model: Any) -> None:
    """Freezes what came pretrained: embeddings and encoder."""
    model.base_model.embeddings.requires_grad_(False)
    model.base_model.encoder.requires_grad_(False)


def make_trainer(typed: argparse.Namespace, folder: str) -> tuple[Trainer, list[dict[str, Any]]]:
    """Returns a trainer and the test rows."""
    tokenizer = AutoTokenizer.from_pretrained(typed.model)
    parts, classes = read_parts(typed.data, "text")
    encoded = {part: encode(rows, tokenizer, typed.max_length) for part, rows in parts.items()}
    model = AutoModelForSequenceClassification.from_pretrained(
        typed.model, num_labels=len(classes), **(NO_DROPOUT if typed.best else {})
    )
    if typed.frozen:
        freeze(model)
    best = {**BEST, "bf16": typed.precision == "bf16"} if typed.best else {}
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
        train_dataset=encoded["train"],
        eval_dataset=encoded["val"],
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=accuracy,
    )
    return trainer, encoded["test"]


def main() -> None:
    """Trains, tests and prints one JSON line."""
    typed = arguments()
    set_seed(typed.seed)
    with tempfile.TemporaryDirectory() as folder:
        trainer, test = make_trainer(typed, folder)
        trainer.train()
        score = trainer.evaluate(test, metric_key_prefix="test")["test_accuracy"]
    history = [e["eval_accuracy"] for e in trainer.state.log_history if "eval_accuracy" in e]
    precision = "bf16" if trainer.args.bf16 else "fp32"
    report(score, "transformers", "accelerate", val=history, precision=precision)


if __name__ == "__main__":
    main()
