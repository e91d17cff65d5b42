"""Fits skada's methods on features, and writes what each answers.

    python bench/peers/skada_methods.py FEATURES.npz ANSWERS.npz SEED

Its adapters with their own defaults, each before scikit-learn's logistic regression. Those
that solve a transport of all rows are given as many rows as they can hold.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from skada import (
    CORALAdapter,
    LinearOTMappingAdapter,
    OTMappingAdapter,
    PerDomain,
    SubspaceAlignmentAdapter,
    make_da_pipeline,
)
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

METHODS: dict[str, Callable[[], list[Any]]] = {
    "source-only": lambda: [StandardScaler()],
    "standardise": lambda: [PerDomain(StandardScaler())],
    "coral": lambda: [StandardScaler(), CORALAdapter(reg=0.1)],
    "subspace": lambda: [StandardScaler(), SubspaceAlignmentAdapter(n_components=50)],
    "linear transport": lambda: [StandardScaler(), LinearOTMappingAdapter(reg=0.1)],
    "transport": lambda: [StandardScaler(), OTMappingAdapter()],
}
SOURCE, TARGET = 1, -2
"""skada tells a source by a positive number, a target by a negative one."""


def fitted(name: str, data: Any) -> Any:
    """Returns a pipeline that saw both domains, and the source's labels."""
    rows = np.concatenate([data["source"], data["target"]])
    masked = np.full(len(data["target"]), -1)
    labels = np.concatenate([data["source_labels"], masked])
    domains = np.where(np.arange(len(rows)) < len(data["source"]), SOURCE, TARGET)
    pipeline = make_da_pipeline(*METHODS[name](), LogisticRegression(C=0.1, max_iter=500))
    return pipeline.fit(rows, labels, sample_domain=domains)


def main() -> None:
    """Fits every method and writes `METHOD/PART` arrays and the seconds of all."""
    data, (place, seed) = np.load(sys.argv[1]), sys.argv[2:]
    np.random.seed(int(seed))
    started, found = time.perf_counter(), {}
    for name in METHODS:
        pipeline = fitted(name, data)
        for part, domain in (("val", SOURCE), ("target", TARGET), ("scored", TARGET)):
            where = np.full(len(data[part]), domain)
            found[f"{name}/{part}"] = pipeline.predict(
                data[part], sample_domain=where, allow_source=True
            )
    np.savez(place, **found, seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
