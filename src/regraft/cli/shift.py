"""Says whether and how two data sets differ: `regraft shift SOURCE TARGET`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from typer import Argument, Option

from regraft.cli.options import (
    DATA,
    MACHINE,
    NETWORK,
    TRAINING,
    CacheFlag,
    ColumnFlags,
    DeviceFlag,
    OutFlag,
    OutputFlags,
    SplitFlags,
    merged,
    spelled_out,
)

if TYPE_CHECKING:
    from regraft.settings import ShiftSettings

Source = Annotated[
    str | None,
    Argument(metavar="SOURCE", help="Labelled data, as for fit.", show_default=False),
]
Target = Annotated[
    str | None,
    Argument(
        metavar="TARGET",
        help="Data of the place where the model will work; they need no labels.",
        show_default=False,
    ),
]


def _value(panel: str, metavar: str, words: str, *names: str) -> Any:
    return Option(*names, metavar=metavar, help=words, rich_help_panel=panel, show_default=False)


class ShiftFlags(ColumnFlags, SplitFlags, DeviceFlag, CacheFlag, OutFlag, OutputFlags, total=False):
    """Flags of `shift`."""

    from_domain: Annotated[
        str | None,
        _value(DATA, "NAME", "Domain of SOURCE that has the labels, as in --domain.", "--from"),
    ]
    to_domain: Annotated[
        str | None, _value(DATA, "NAME", "Domain of SOURCE that is the target.", "--to")
    ]
    backbone: Annotated[str | None, _value(NETWORK, "NAME", "As for fit.")]
    arch: Annotated[str | None, _value(NETWORK, "ID", "The code for a bare file of weights.")]
    class_weights: Annotated[
        str | None, _value(TRAINING, "RULE", "auto, none or balanced, as they will be in training.")
    ]
    max_length: Annotated[int | None, _value(TRAINING, "TOKENS", "Longest text.")]
    cut: Annotated[str | None, _value(TRAINING, "WHERE", "end or middle, as for fit.")]
    image_size: Annotated[int | None, _value(TRAINING, "PIXELS", "Side of the images.")]
    seed: Annotated[int | None, _value(TRAINING, "NUMBER", "Of everything random (0).")]
    precision: Annotated[str | None, _value(MACHINE, "FORMAT", "auto, fp32, bf16 or fp16.")]
    score_target: Annotated[
        bool | None,
        Option(
            "--score-target/--no-score-target",
            help="Show the true accuracy beside the estimate, by the target's labels.",
            rich_help_panel=TRAINING,
        ),
    ]
    check_cache: Annotated[
        bool | None,
        Option(
            "--check-cache/--no-check-cache",
            help="Compute a sample of what was read anew, and compare bit by bit.",
            rich_help_panel=MACHINE,
        ),
    ]
    config: Annotated[
        Path | None, _value(DATA, "FILE.toml", "Settings in a file; flags win over it.")
    ]


@spelled_out(ShiftFlags)
def shift(source: Source = None, target: Target = None, **flags: Unpack[ShiftFlags]) -> int:
    """Say whether two data sets differ, in what, and what a model of the first would score."""
    from regraft.cli.printing import json_text, refuse_document, write_checked, write_file
    from regraft.cli.progress import progress_for

    settings = shift_settings(source, target, flags=flags)
    refuse_document(settings.out)
    quiet = flags.get("quiet", False)
    from regraft.runs.shift import run_shift

    result = run_shift(settings, progress_for(quiet=quiet))
    if settings.out:
        write_file(settings.out, json_text(result).encode())
    _write(result, as_json=flags.get("json", False), quiet=quiet)
    write_checked(result, asked=settings.check_cache, quiet=quiet)
    return 0


def shift_settings(
    source: str | None, target: str | None, *, flags: Mapping[str, Any]
) -> "ShiftSettings":
    """Returns the settings of `shift` from what was typed and the TOML file.

    Args:
        source: The SOURCE that was typed, if any.
        target: The TARGET that was typed, if any.
        flags: The values of `ShiftFlags`, None where a flag was not typed.
    """
    from regraft.errors import SettingsError
    from regraft.settings import ShiftSettings

    settings = ShiftSettings(**merged(source, {**flags, "target": target}))
    if not settings.data:
        expected = "a file, a folder or starter:NAME"
        raise SettingsError("SOURCE is missing", expected=expected, hint="regraft shift --help")
    if not settings.target and not settings.to_domain:
        raise SettingsError(
            "TARGET is missing",
            expected="a file, a folder or starter:NAME, or two domains of SOURCE",
            hint="--domain COLUMN --from NAME --to NAME",
        )
    return settings


def _write(result: Mapping[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Writes the tables, then in words what they say."""
    from regraft.cli.printing import write_json, write_out, write_table, write_words
    from regraft.reports.shift import tables

    if as_json:
        write_json(result)
        return
    for number, (headers, lines) in enumerate(tables(result)):
        write_out("\n" if number else "")
        write_table(headers, lines)
    if not quiet:
        write_words(["", *result["sentences"]])
