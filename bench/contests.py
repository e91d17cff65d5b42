"""Lists the contests: which job, on which data, who does it, and how much faster we mean to be."""

from dataclasses import dataclass
from typing import Literal

Model = Literal["minilm", "efficientnet-lite0"]


@dataclass(frozen=True)
class Contestant:
    """Who does a job.

    Args:
        label: Shown, and the key of its trials.
        flags: Of `regraft fit`, or of the script.
        script: In `bench/peers`; empty = regraft itself.
        warm: Whether it finds the features of the contestants before it in the same round;
            else it starts with none.
        later: Added to the seed of the round.
        told: Whether it is told which precision our probe found to be the fastest here.
    """

    label: str
    flags: tuple[str, ...] = ()
    script: str = ""
    warm: bool = False
    later: int = 0
    told: bool = False


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Args:
        ours: Label of a contestant.
        theirs: Label of the one that it is measured against.
        bounds: How many times faster we mean to be where bf16 pays, and where it does not;
            empty = nothing was promised.
    """

    ours: str
    theirs: str
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True)
class Contest:
    """A job.

    Args:
        name: Shown, and the key of its trials.
        data: `movie`, `imdb-1k`, `imdb-2k` or `cifar`; see `bench/peers/data.py`.
        model: The starter that all contestants start from.
        contestants: In the order of their turns.
        lines: Of the table.
    """

    name: str
    data: str
    model: Model
    contestants: tuple[Contestant, ...]
    lines: tuple[Line, ...]


def trainer(label: str, *flags: str, told: bool = False) -> Contestant:
    """Returns Hugging Face's Trainer."""
    return Contestant(label, flags, "trainer.py", told=told)


def tuning(name: str, data: str, length: str, bounds: tuple[float, ...]) -> Contest:
    """Returns a contest in full fine-tuning of MiniLM, 3 epochs."""
    flags = ("--epochs", "3", "--max-length", length)
    best = "Trainer, best flags"
    contestants = (
        Contestant("regraft", flags),
        trainer("Trainer", *flags),
        trainer(best, *flags, "--best", told=True),
    )
    lines = (Line("regraft", "Trainer", bounds), Line("regraft", best, (1.6, 1.4)))
    return Contest(name, data, "minilm", contestants, lines)


HEAD = ("--strategy", "head", "--max-length", "256")
AGAIN = "the first run"
FASTAI, TIMM = "fastai fine_tune", "timm loop"
IMAGES = ("--epochs", "3", "--image-size", "128")
SIZE = ("--epochs", "3", "--size", "128")
CONTESTS = (
    tuning("full, short texts", "movie", "128", (5.0, 3.2)),
    tuning("full, 256 tokens", "imdb-1k", "256", (3.5, 2.2)),
    Contest(
        "head only, against 10 epochs",
        "imdb-1k",
        "minilm",
        (
            Contestant("regraft", HEAD),
            trainer("Trainer, frozen", "--frozen", "--epochs", "10", "--max-length", "256"),
        ),
        (Line("regraft", "Trainer, frozen", (12.0, 10.0)),),
    ),
    Contest(
        "head only, solved",
        "imdb-2k",
        "minilm",
        (
            Contestant("regraft", HEAD),
            Contestant(
                "sentence-transformers",
                ("--max-length", "256"),
                "sentence_transformers_lr.py",
            ),
        ),
        (Line("regraft", "sentence-transformers", (1.8, 1.0)),),
    ),
    Contest(
        "images, 3 epochs",
        "cifar",
        "efficientnet-lite0",
        (
            Contestant("regraft", IMAGES),
            Contestant(FASTAI, SIZE, "fastai_tune.py"),
            Contestant(TIMM, SIZE, "timm_loop.py"),
            Contestant(f"{FASTAI}, best flags", (*SIZE, "--best"), "fastai_tune.py"),
            Contestant(f"{TIMM}, best flags", (*SIZE, "--best"), "timm_loop.py"),
        ),
        (
            Line("regraft", FASTAI, (3.0, 1.8)),
            Line("regraft", TIMM, (3.0, 1.8)),
            Line("regraft", f"{FASTAI}, best flags"),
            Line("regraft", f"{TIMM}, best flags"),
        ),
    ),
    Contest(
        "head only, data seen before",
        "imdb-1k",
        "minilm",
        (
            Contestant(AGAIN, HEAD),
            Contestant("another seed", HEAD, warm=True, later=100),
            Contestant("another strategy", ("--strategy", "zero", *HEAD[2:]), warm=True),
        ),
        (
            Line("another seed", AGAIN, (10.0, 10.0)),
            Line("another strategy", AGAIN, (10.0, 10.0)),
        ),
    ),
)
