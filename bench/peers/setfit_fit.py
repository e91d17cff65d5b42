"""Fits SetFit at its defaults on a few labelled rows of each class, and tests on all test rows.

Defaults: one epoch of pairs at batch 16, oversampled, rate 2e-5, then scikit-learn's logistic
regression. The rows are the first `--labels` of each class in an order drawn from the seed,
or, with `--labels 0`, all rows of `train`.
"""

import random
import tempfile

from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from setfit import SetFitModel, Trainer, TrainingArguments
from sklearn.linear_model import LogisticRegression

from peer import Rows, parser_of, read_parts, report, unzipped


def few(rows: Rows, count: int, seed: int) -> Rows:
    """Returns the first rows of each class in an order drawn from the seed."""
    if not count:
        return rows
    shuffled = random.Random(seed).sample(rows, len(rows))
    classes = sorted({label for _, label in rows})
    return [row for c in classes for row in [r for r in shuffled if r[1] == c][:count]]


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = parser_of(__doc__, model="minilm", batch_size=16)
    parser.add_argument("--max-length", type=int, default=256, help="most tokens a text")
    parser.add_argument("--labels", type=int, default=8, help="labelled rows of each class")
    typed = parser.parse_args()
    parts, classes = read_parts(typed.data, "text")
    texts, labels = unzipped(few(parts["train"], typed.labels, typed.seed))
    encoder = Transformer(str(typed.model), max_seq_length=typed.max_length)
    pooling = Pooling(encoder.get_embedding_dimension())
    body = SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu")
    model = SetFitModel(model_body=body, model_head=LogisticRegression(), labels=classes)
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            batch_size=typed.batch_size,
            seed=typed.seed,
            report_to="none",
            save_strategy="no",
            show_progress_bar=False,
        )
        rows = Dataset.from_dict({"text": texts, "label": labels})
        Trainer(model=model, args=settings, train_dataset=rows).train()
    held, wanted = unzipped(parts["test"])
    answers = model.predict(held, use_labels=False)
    right = sum(int(answer) == label for answer, label in zip(answers, wanted, strict=True))
    report(right / len(wanted), "setfit", "sentence-transformers", rows=len(texts))


if __name__ == "__main__":
    main()
