"""Makes the commands that a user may type after a run, from what was typed for it."""

import shlex
from collections.abc import Collection
from pathlib import Path

from regraft.runs.fitting.prepare import Prepared
from regraft.scoring.baselines import recipe
from regraft.settings import OF_STEPS, FitSettings
from regraft.strategies.table import own_class

NOT_KEPT = frozenset(
    {"check_cache", "control", "data", "out", "preset", "repeat", "source", "strategy"}
)
UNSOLVED = frozenset(
    {
        *OF_STEPS,
        *("freeze_threshold_rule", "freeze_threshold_scope"),
        *("head", "layer_decay", "weight_decay"),
    }
)
"""What a head that is solved on features never reads, and the other kinds of heads."""
EVALUATED = frozenset({"device", "text", "image", "label", "split"})


def flags(settings: FitSettings, names: Collection[str] | None = None) -> list[str]:
    """Returns the words of the flags whose settings are not the usual ones.

    Args:
        settings: What was typed.
        names: Settings that count; None = all but data, place and strategy.
    """
    wanted = FitSettings.model_fields.keys() - NOT_KEPT if names is None else names
    words: list[str] = []
    for name, field in FitSettings.model_fields.items():
        value = getattr(settings, name)
        if name not in wanted or value == field.default:
            continue
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag.removeprefix('--')}")
        else:
            words += [flag, str(value)]
    return words


def keep_command(key: str, prepared: Prepared) -> str:
    """Returns what to type to keep a cheaper way.

    Args:
        key: `majority`, `classic` or `linear_probe`.
        prepared: What was typed, and the training rows.
    """
    settings = prepared.settings
    if key == "linear_probe":
        data = shlex.quote(settings.data) if settings.data else "DATA"
        kept = FitSettings.model_fields.keys() - NOT_KEPT - UNSOLVED
        words = shlex.join(["--strategy", "head", *flags(settings, kept)])
        return f"regraft fit {data} {words}"
    if key == "majority":
        return "always answer with the most frequent class"
    return f"scikit-learn's {recipe(prepared.dataset.parts['train'])}"


def resume_command(run: Path, strategy: str) -> str:
    """Returns what to type to go on with a run that was stopped.

    Args:
        run: Its folder.
        strategy: By which it trains: what is code has to be named.
    """
    named = ["--strategy", strategy] if own_class(strategy) else []
    return shlex.join(["regraft", "resume", str(run), *named])


def next_commands(run: Path, prepared: Prepared) -> list[str]:
    """Returns commands that a user may type now."""
    settings, place = prepared.settings, shlex.quote(str(run))
    if prepared.backbone.architecture.library == "module":
        # Only the program that brought the network can build it again.
        return [
            f"model = regraft.load({str(run)!r}, network=...)  # in Python, with the same network",
            f"regraft report {place}",
        ]
    thing = '"some text"' if prepared.dataset.modality == "text" else "IMAGE.png"
    return [
        " ".join([f"regraft predict {place} {thing}", *_quoted(settings, {"device"})]),
        " ".join([f"regraft evaluate {place} DATA", *_quoted(settings, EVALUATED)]),
        f"regraft report {place}",
    ]


def _quoted(settings: FitSettings, names: Collection[str]) -> list[str]:
    return [shlex.quote(word) for word in flags(settings, names)]
