"""Defines the flags of the verbs, and makes checked settings from what was typed."""

import inspect
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict, TypeVar, get_args, get_type_hints

from typer import Argument, Option

if TYPE_CHECKING:
    from regraft.settings import FitSettings

Verb = TypeVar("Verb", bound=Callable[..., int])

DATA = "Data"
NETWORK = "Network"
TRAINING = "Training"
MACHINE = "Machine"
OUTPUT = "Output"
_NO_SETTINGS = {"config", "json", "quiet", "no_baselines", "no_cache", "guard_formulas"}

Data = Annotated[
    str | None,
    Argument(
        metavar="DATA",
        help="starter:NAME, a folder of class folders, a table (.csv .tsv .jsonl .parquet), "
        "an archive of these, or hf:OWNER/NAME[:CONFIGURATION].",
        show_default=False,
    ),
]
Run = Annotated[Path, Argument(metavar="RUN", help="The folder of a finished run.")]


def option(panel: str, metavar: str, words: str, *, name: str = "") -> Any:
    """Returns a flag that takes a value.

    Args:
        panel: Heading of `--help` below which it stands.
        metavar: What stands for the value there.
        words: What it is for.
        name: As it is typed, where that is not the parameter's own name.
    """
    names = (name,) if name else ()
    return Option(*names, metavar=metavar, help=words, rich_help_panel=panel, show_default=False)


def switch(panel: str, name: str, words: str) -> Any:
    """Returns a flag that is there or not; arguments as for `option`.

    Of `--control/--no-control` either wins over a file of settings: it is None untyped.
    """
    return Option(name, help=words, rich_help_panel=panel)


Json = Annotated[bool, switch(OUTPUT, "--json", "Print one JSON document instead.")]
Quiet = Annotated[
    bool, Option("--quiet", "-q", help="Print nothing but the result.", rich_help_panel=OUTPUT)
]


class OutputFlags(TypedDict, total=False):
    """Flags that every verb has."""

    json: Json
    quiet: Quiet


class ColumnFlags(TypedDict, total=False):
    """Flags that name the columns every table may have."""

    text: Annotated[str | None, option(DATA, "COLUMN", "Column of texts.")]
    image: Annotated[str | None, option(DATA, "COLUMN", "Column of image paths.")]
    label: Annotated[str | None, option(DATA, "COLUMN", "Column of labels.")]


class PartFlag(TypedDict, total=False):
    """The flag that names the column of parts."""

    split: Annotated[str | None, option(DATA, "COLUMN", "Column with train, val and test.")]


class SplitFlags(PartFlag, total=False):
    """Flags that name the columns that part the rows."""

    domain: Annotated[str | None, option(DATA, "COLUMN", "Column of domains.")]
    group: Annotated[
        str | None, option(DATA, "COLUMN", "Column of groups that the split must not part.")
    ]


class DeviceFlag(TypedDict, total=False):
    """The flag that says where the work is done."""

    device: Annotated[str | None, option(MACHINE, "NAME", "auto, cpu, cuda, cuda:NUMBER or mps.")]


class CacheFlag(TypedDict, total=False):
    """The flag that leaves the features kept on the disk alone."""

    no_cache: Annotated[
        bool | None,
        switch(MACHINE, "--no-cache/--cache", "Compute what is frozen anew, and keep no features."),
    ]


class OutFlag(TypedDict, total=False):
    """The flag that names a file of JSON to write."""

    out: Annotated[
        Path | None, option(OUTPUT, "FILE", "JSON file to write, which must not exist yet.")
    ]


class SharedFlags(ColumnFlags, SplitFlags, DeviceFlag, CacheFlag, total=False):
    """Flags of the verbs that make a run, whatever is trained."""

    backbone: Annotated[
        str | None,
        option(
            NETWORK,
            "NAME",
            "auto, starter:NAME, timm:NAME, tv:NAME, hf:OWNER/NAME, a folder, weights or a run.",
        ),
    ]
    arch: Annotated[str | None, option(NETWORK, "ID", "The code for a bare file of weights.")]
    class_weights: Annotated[str | None, option(TRAINING, "RULE", "auto, none or balanced.")]
    max_length: Annotated[int | None, option(TRAINING, "TOKENS", "Longest text.")]
    cut: Annotated[
        str | None,
        option(TRAINING, "WHERE", "end or middle: what is left out of longer texts (end)."),
    ]
    image_size: Annotated[int | None, option(TRAINING, "PIXELS", "Side of the images.")]
    seed: Annotated[int | None, option(TRAINING, "NUMBER", "Of everything random (0).")]
    precision: Annotated[str | None, option(MACHINE, "FORMAT", "auto, fp32, bf16 or fp16.")]
    no_baselines: Annotated[
        bool | None,
        switch(TRAINING, "--no-baselines/--baselines", "Skip what shows what transfer gained."),
    ]
    check_cache: Annotated[
        bool | None,
        switch(
            MACHINE,
            "--check-cache/--no-check-cache",
            "Compute a sample of what was read anew, and compare bit by bit.",
        ),
    ]
    config: Annotated[
        Path | None, option(DATA, "FILE.toml", "Settings in a file; flags win over it.")
    ]


class FreezeFlags(TypedDict, total=False):
    """Flags that say what stays as it came, and what stops on the way."""

    freeze: Annotated[
        str | None, option(TRAINING, "WHAT", "Never moves: a number of blocks, norm, a pattern.")
    ]
    freeze_threshold: Annotated[
        str | None,
        option(TRAINING, "LEFT", "Blocks stop when less of their way is left: auto, off, 0.1."),
    ]
    freeze_threshold_rule: Annotated[
        str | None,
        option(TRAINING, "RULE", "left, rested, staggered, outputs, gradient, literal or clock."),
    ]
    freeze_threshold_scope: Annotated[str | None, option(TRAINING, "SCOPE", "prefix or any.")]


class StepFlags(TypedDict, total=False):
    """Flags of the verbs that train by steps: what a step is, and how many there are."""

    batch_size: Annotated[int | None, option(MACHINE, "ROWS", "Rows a step.")]
    dropout: Annotated[
        float | None, option(NETWORK, "SHARE", "Share of values dropped in training.")
    ]
    epochs: Annotated[float | None, option(TRAINING, "COUNT", "Passes over the training rows.")]
    lr: Annotated[
        float | None, option(TRAINING, "RATE", "Peak rate of the head and the top block.")
    ]
    optimizer: Annotated[str | None, option(TRAINING, "NAME", "adamw or sgd.")]
    layer_decay: Annotated[
        float | None, option(TRAINING, "FACTOR", "On the rate, from a block to the one below.")
    ]
    weight_decay: Annotated[float | None, option(TRAINING, "DECAY", "Decoupled weight decay.")]
    patience: Annotated[
        int | None, option(TRAINING, "EPOCHS", "Stop after so many without improvement.")
    ]
    augment: Annotated[
        str | None, option(TRAINING, "RULE", "auto, none, crop, flip-crop, drop-tokens.")
    ]


class TrainFlags(SharedFlags, FreezeFlags, StepFlags, total=False):
    """Flags of the verbs that train or say how they would."""

    head: Annotated[str | None, option(NETWORK, "HEAD", "linear, or mlp:UNITS[,UNITS].")]
    source: Annotated[
        str | None, option(DATA, "DATA", "Other labelled data, for the strategy sequential.")
    ]
    ema: Annotated[
        float | None,
        option(TRAINING, "DECAY", "Keep a moving average of the weights, such as 0.99."),
    ]
    max_seconds: Annotated[float | None, option(MACHINE, "SECONDS", "Budget of a run, all of it.")]
    views: Annotated[
        int | None, option(TRAINING, "COUNT", "Augmentations of each row above frozen blocks.")
    ]


class FitFlags(TrainFlags, OutputFlags, total=False):
    """Flags of `fit`, `plan` and `show-config`, which make one run."""

    strategy: Annotated[
        str | None, option(TRAINING, "NAME[:OPTION=VALUE][+…]", "How; see regraft list strategies.")
    ]
    preset: Annotated[
        str | None, option(TRAINING, "NAME", "Choose the strategy: fast, balanced or best.")
    ]
    fraction: Annotated[
        float | None, option(TRAINING, "SHARE", "Share of the labelled rows that is used (1).")
    ]
    control: Annotated[
        bool | None,
        switch(
            TRAINING,
            "--control/--no-control",
            "Train an unfrozen twin from the first freeze on, and compare.",
        ),
    ]
    out: Annotated[Path | None, option(OUTPUT, "RUN", "Folder to make (runs/DATA-STRATEGY-NNN).")]


def spelled_out(flags: type) -> Callable[[Verb], Verb]:
    """Returns a decorator that shows typer each flag of a verb's `**flags`.

    Args:
        flags: The TypedDict whose keys are the flags; every flag may be left out.
    """

    def show(verb: Verb) -> Verb:
        given = list(inspect.signature(verb).parameters.values())[:-1]
        keys = get_type_hints(flags, include_extras=True).items()
        verb.__signature__ = inspect.Signature([*given, *(_flag(*k) for k in keys)])  # type: ignore[attr-defined]
        return verb

    return show


def _flag(name: str, annotation: Any) -> inspect.Parameter:
    # get_args would unfold the union; the first argument of Annotated is __origin__.
    default = False if annotation.__origin__ is bool else None
    kind = next((each for each in (int, float) if each in get_args(annotation.__origin__)), None)
    if kind is not None:
        annotation.__metadata__[0].parser = _number(kind)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _number(kind: type[int] | type[float]) -> Callable[[str], object]:
    """Returns a reader of numbers; other words the settings refuse, all mistakes at once."""

    def read(word: str) -> object:
        from pydantic import TypeAdapter

        with suppress(ValueError):
            return TypeAdapter(kind).validate_python(word)
        return word

    return read


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the flags that were typed and are settings of a verb."""
    return {n: value for n, value in flags.items() if value is not None and n not in _NO_SETTINGS}


def typed_settings(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that flags say, those that switch something off among them."""
    off = {name: flags.get(f"no_{name}") for name in ("baselines", "cache")}
    return given(flags) | {name: not value for name, value in off.items() if value is not None}


def fit_settings(data: str | None, flags: Mapping[str, Any]) -> "FitSettings":
    """Returns the settings of `fit` and `plan` from what was typed and the TOML file.

    Args:
        data: The DATA that was typed, if any.
        flags: The values of `FitFlags`, None where a flag was not typed.
    """
    from regraft.settings import FitSettings

    return FitSettings(**merged(data, flags))


def merged(
    data: str | None, flags: Mapping[str, Any], *, passed_over: Collection[str] = ()
) -> dict[str, Any]:
    """Returns settings by name: those of the TOML file, and over them what was typed.

    Args:
        data: The DATA that was typed, if any.
        flags: The values of the flags, None where one was not typed.
        passed_over: Settings in the file that are none of the verb.
    """
    from regraft.toml import merge, read_toml

    toml = read_toml(flags["config"]) if flags.get("config") else {}
    kept = {name: value for name, value in toml.items() if name not in passed_over}
    return merge(kept, {"data": data, **typed_settings(flags)})


def required(settings: "FitSettings", verb: str = "fit") -> "FitSettings":
    """Returns settings that name their data.

    Raises:
        SettingsError: If neither the command line nor the TOML file names data.
    """
    from regraft.errors import SettingsError

    if not settings.data:
        expected = "a file, a folder or starter:NAME"
        raise SettingsError("DATA is missing", expected=expected, hint=f"regraft {verb} --help")
    return settings
