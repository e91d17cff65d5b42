"""Encodes texts with sentence-transformers and fits scikit-learn's logistic regression on them.

The modules are those that the network's authors publish: the encoder, the mean over the tokens,
length one. Everything is at its defaults (batch 32, sorted by length, C = 1); the regression
sees the rows of `train` and `val`, as it has nothing to choose.
"""

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from sklearn.linear_model import LogisticRegression

from peer import parser_of, read_parts, report, unzipped


def main() -> None:
    """Prints one JSON line with the test accuracy."""
    parser = parser_of(__doc__, model="minilm", batch_size=32)
    parser.add_argument("--max-length", type=int, required=True, help="most tokens a text")
    typed = parser.parse_args()
    encoder = Transformer(str(typed.model), max_seq_length=typed.max_length)
    pooling = Pooling(encoder.get_embedding_dimension())
    network = SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu")
    parts, _ = read_parts(typed.data, "text")
    seen, labels = unzipped(parts["train"] + parts["val"])
    held, wanted = unzipped(parts["test"])
    features = network.encode(seen, batch_size=typed.batch_size)
    model = LogisticRegression(max_iter=1000).fit(features, labels)
    score = model.score(network.encode(held, batch_size=typed.batch_size), wanted)
    report(float(score), "sentence-transformers", "scikit-learn", precision="fp32")


if __name__ == "__main__":
    main()
