"""Makes the verdict of an earlier run, to be used again, from its `run.toml`."""

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from regraft.backbones.modes import Mode
from regraft.errors import SettingsError, counted
from regraft.machine import device_name
from regraft.settings import FitSettings
from regraft.training.precision import Verdict

LIBRARIES = ("regraft", "timm", "tokenizers", "torchvision", "transformers")
"""What a run's bytes depend on besides torch."""


@dataclass(frozen=True)
class Earlier:
    """What an earlier run measured, and what nobody had typed for it.

    Args:
        verdict: Its modes of training and inference.
        torch: Version of torch that it was measured with.
        left_open: Names of settings that the run filled in, and nobody has typed since.
        kept: Whether what frozen blocks make was kept, as the cache names it.
        threads: That it computed with; 0 = nobody knows.
        held: Names of settings that are as the run wrote them down.
        versions: Of the libraries that it computed with, by name; those that nobody knows lack.
    """

    verdict: Verdict
    torch: str
    left_open: frozenset[str]
    kept: dict[str, bool] = field(default_factory=dict)
    threads: int = 0
    held: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def other_threads(self) -> str:
        """What to say where sums are split otherwise than they were; empty where they are not."""
        now = torch.get_num_threads()
        if self.threads in (0, now):
            return ""
        return (
            f"warning: the run had {counted(self.threads, 'thread')}, now there are {now}: "
            "sums may differ in their last bits"
        )

    @property
    def other_versions(self) -> str:
        """What to say where libraries are others than they were; empty where they are not."""
        now = installed()
        other = [
            f"{name} was {old}, now {now.get(name, 'not installed')}"
            for name, old in self.versions.items()
            if now.get(name) != old
        ]
        told = f"warning: {'; '.join(other)}: equal bytes are promised for equal versions alone"
        return told if other else ""

    def differs(self, device: str, precision: str) -> str:
        """Returns why its verdict does not hold here, or nothing where it does.

        Args:
            device: Where the network runs now.
            precision: What was typed now, or `auto`.
        """
        mode = self.verdict.training
        pairs = {
            "processor": (self.verdict.processor, device_name(mode.device)),
            "version of torch": (self.torch, torch.__version__),
            "device": (mode.device, device),
            "precision": (mode.precision, mode.precision if precision == "auto" else precision),
        }
        other = [f"{n} was {old}, now {new}" for n, (old, new) in pairs.items() if old != new]
        return "; ".join(other)


def installed() -> dict[str, str]:
    """Returns the versions by name of the libraries that are here and make a run's bytes."""
    found = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def read_earlier(path: Path | None, settings: FitSettings | None = None) -> Earlier | None:
    """Returns what a run wrote down, or None where there is none to be repeated.

    Args:
        path: Its `run.toml`.
        settings: Of the run that repeats it: those that differ were typed; None = none were.

    Raises:
        SettingsError: If the file is not there, or not one that a run wrote.
    """
    if path is None:
        return None
    try:
        return _earlier(tomllib.loads(path.read_text("utf-8")), settings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"{path} cannot be repeated ({error})", expected="a run.toml as regraft fit wrote it"
        ) from error


def _earlier(content: dict[str, Any], settings: FitSettings | None) -> Earlier:
    machine = content["machine"]
    training, inference = (
        Mode(content["precision"][use], content["attention"][use], str(machine["device"]))
        for use in ("training", "inference")
    )
    timings = {str(name): float(value) for name, value in content["probe"]["seconds"].items()}
    verdict = Verdict(training, inference, timings, str(machine["processor"]))
    kept = {str(name): bool(value) for name, value in content.get("kept", {}).items()}
    left_open = frozenset(map(str, content["left_open"]))
    held = frozenset(FitSettings.model_fields)
    if settings is not None:
        held -= _typed_since(settings, content.get("settings", {}))
    threads = int(machine.get("threads", 0))
    versions = {str(name): str(value) for name, value in machine.get("versions", {}).items()}
    return Earlier(verdict, str(machine["torch"]), left_open & held, kept, threads, held, versions)


def _typed_since(settings: FitSettings, written: Mapping[str, Any]) -> frozenset[str]:
    """Returns the names of the settings that are others than a run wrote down.

    One that was typed as the run had filled it in cannot be told from one that was not.
    """
    usual = {name: field.default for name, field in FitSettings.model_fields.items()}
    before = {**usual, **written}
    return frozenset(name for name in usual if getattr(settings, name) != before[name])
