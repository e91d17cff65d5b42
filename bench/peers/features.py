"""Writes the features of two domains that `regraft adapt` sees, for peers: SOURCE TARGET NAME.

python bench/peers/features.py SOURCE.parquet TARGET.parquet BACKBONE FEATURES.npz SEED
"""

import sys
from pathlib import Path

import numpy as np
import torch

from regraft.runs.adapting.features import pool_domains
from regraft.runs.adapting.record import fit_settings
from regraft.runs.adapting.target import read_target
from regraft.runs.choosing.modes import decide_modes
from regraft.runs.fitting.prepare import prepare
from regraft.settings import AdaptSettings


def nobody(line: str) -> None:
    """Hears what is said, and forgets it."""


def main() -> None:
    """Computes or reads the features, and writes them with what may be known of the labels."""
    source, target, backbone, place, seed = sys.argv[1:]
    settings = AdaptSettings(data=source, target=target, backbone=backbone, seed=int(seed))
    torch.manual_seed(settings.seed)
    prepared = prepare(fit_settings(settings), source, say=nobody)
    rows = read_target(target, prepared, score=True, say=nobody)
    pools = pool_domains(prepared, decide_modes(prepared, say=nobody), target=rows)
    parts = prepared.dataset.parts
    np.savez(
        Path(place),
        source=pools.part("train"),
        source_labels=parts["train"].labels,
        val=pools.part("val"),
        val_labels=parts["val"].labels,
        target=pools.target[rows.used],
        scored=pools.target[rows.scored],
        scored_labels=rows.labels,
    )


if __name__ == "__main__":
    main()
