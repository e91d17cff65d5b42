"""Encodes texts with sentence-transformers and fits a logistic regression on them."""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sentence_transformers import SentenceTransformer, models
from sklearn.linear_model import LogisticRegression


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="default: in regraft's cache")
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    typed = parser.parse_args()
    if typed.model is None:
        from regraft.backbones.sources.starter import model_folder

        typed.model = model_folder("minilm")
    word = models.Transformer(str(typed.model), max_seq_length=typed.max_length)
    pooling = models.Pooling(word.get_word_embedding_dimension())
    encoder = SentenceTransformer(modules=[word, pooling], device="cpu")
    columns = pq.read_table(typed.data).to_pydict()
    split, labels = np.array(columns["split"]), np.array(columns["label"])
    texts = np.array(columns["text"], dtype=object)
    seen, held = split != "test", split == "test"
    features = encoder.encode(list(texts[seen]), batch_size=32)
    model = LogisticRegression(max_iter=1000).fit(features, labels[seen])
    answers = model.predict(encoder.encode(list(texts[held]), batch_size=32))
    print(json.dumps({"accuracy": float((answers == labels[held]).mean()), "precision": "fp32"}))


if __name__ == "__main__":
    main()
