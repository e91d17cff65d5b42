"""Makes the session that works a run's phases, from what was prepared."""

import math
import re
from functools import partial

import numpy as np
import torch

from regraft.backbones.graft import Head, make_head
from regraft.backbones.sources.run import build_trunk
from regraft.data.encode import Encoded
from regraft.data.rows import UNLABELLED, Part
from regraft.data.spec import TextSpec
from regraft.data.texts import encode_texts
from regraft.features.level import Level
from regraft.freezing.threshold import USUAL, Rule
from regraft.losses.cross_entropy import balanced_weights
from regraft.runs.choosing.defaults import LEAST_PAIRED, LEAST_TYPED
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.record import left_open
from regraft.scoring import metrics
from regraft.settings import FitSettings
from regraft.training.options import Options
from regraft.training.precision import Verdict
from regraft.training.progress import Progress
from regraft.training.session import Examples, Session


def examples(prepared: Prepared, part: Part) -> Examples:
    """Returns a part's encoded rows with their labels, and which belong together."""
    rows = prepared.dataset.parts[part]
    return Examples(prepared.encoded[part], rows.labels, rows.units)


def rule_of(settings: FitSettings) -> Rule | None:
    """Returns when blocks freeze in the middle of a phase, or None where they never do."""
    value = settings.freeze_threshold
    if value == "off":
        return None
    name = settings.freeze_threshold_rule
    number = USUAL[name] if isinstance(value, str) else value
    return Rule(number, name, settings.freeze_threshold_scope == "prefix")


def least_paired(prepared: Prepared) -> int:
    """Returns the fewest rows of a domain in steps that compare two: as typed, or enough.

    Args:
        prepared: What was chosen, and by whom.
    """
    return LEAST_PAIRED if "batch_size" in left_open(prepared) else LEAST_TYPED


def new_session(
    prepared: Prepared,
    verdict: Verdict,
    *,
    rows: tuple[Examples, Examples],
    progress: Progress,
    deadline: float = math.inf,
) -> Session:
    """Returns a session that has done nothing yet.

    Args:
        prepared: Network, phases and choices.
        verdict: Modes of training and inference.
        rows: Those that move weights, and those that choose the epoch.
        progress: Told of every step and epoch.
        deadline: `time.monotonic()` after which no further epoch starts.
    """
    settings, chosen = prepared.settings, prepared.chosen
    balanced = chosen.class_weights.value == "balanced"
    classes = len(prepared.dataset.classes)
    options = Options(
        seed=settings.seed,
        batch_size=int(chosen.batch_size.value),
        least_paired=least_paired(prepared),
        optimizer=settings.optimizer,
        augment=str(chosen.augment.value),
        class_weights=balanced_weights(rows[0].labels, classes) if balanced else None,
        patience=chosen.patience.value,
        select=metrics.macro_f1 if balanced else metrics.accuracy,
        deadline=deadline,
        head_batch_size=prepared.alone.batch_size,
        above=prepared.above,
        threshold=rule_of(settings),
        average=settings.ema,
        views=settings.views,
    )
    torch.manual_seed(settings.seed)
    session = Session(prepared.network, prepared.chain, *rows, verdict, options, progress)
    session.spec, session.cache = prepared.backbone.spec, prepared.cache
    if prepared.opening is not None:
        session.ledger.note(prepared.opening)
    if prepared.source is not None:
        session.source, session.source_head = prepared.source.examples, _source_head(prepared)
    if prepared.target is not None:
        unknown = np.full(len(prepared.target), UNLABELLED, np.int64)
        session.target = Examples(prepared.target, unknown)
    session.names = _names(prepared)
    session.fresh = partial(_fresh, prepared)
    return session


def _source_head(prepared: Prepared) -> Head | None:
    """Returns a head for the source's own classes, or None where it has the target's."""
    if prepared.source is None or not prepared.source.classes:
        return None
    classes = len(prepared.source.classes)
    generator = torch.Generator().manual_seed(prepared.settings.seed)
    width = prepared.backbone.width
    return make_head("linear", width, classes=classes, generator=generator).to(prepared.device)


def _names(prepared: Prepared) -> Encoded | None:
    """Returns the classes' names as texts, where a head is made from them."""
    spec = prepared.backbone.spec
    asked = any(phase.solving == "names" for phase in prepared.phases)
    if not asked or not isinstance(spec, TextSpec):
        return None
    words = [re.sub(r"[._/-]+", " ", name) for name in prepared.dataset.classes]
    return encode_texts(words, spec, max_length=int(prepared.chosen.extent.value))


def _fresh(prepared: Prepared) -> dict[str, torch.Tensor]:
    """Returns random weights for the trunk, as its library draws them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(prepared.settings.seed)
        return build_trunk(prepared.backbone.architecture, prepared.backbone.spec).state_dict()


def top_level(prepared: Prepared, verdict: Verdict) -> Level:
    """Returns the whole trunk as it stands."""
    chain, mode = prepared.chain, verdict.inference
    return Level(prepared.network, chain, chain.top, prepared.backbone.spec, mode)
