"""Makes input specs from the preprocessing files that lie beside saved networks."""

from pathlib import Path
from typing import Any

from regraft.data.spec import ImageSpec, InputSpec, Interpolation, TextSpec
from regraft.errors import BackboneError, counted

_RESAMPLING: dict[int, Interpolation] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers for ways to resize."""

_POSITIONS_FROM_PAD = (
    "camembert",
    "data2vec-text",
    "esm",
    "ibert",
    "longformer",
    "luke",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
)
"""Kinds that count positions from the padding number on, so that some are never used."""

_FIXED = ("vit", "deit", "beit")
"""Kinds of image encoder that take one size only."""

_SMALL_SIDE = 64
"""Pixels a side at which the windows of a Swin must fit, or else it takes one size only."""

_CHANNELS = (1, 3)
"""Channels of the pictures that are read."""

_NO_LIMIT = 1_000_000
"""Tokenizers write a huge number where they know no limit."""


def text_spec(folder: Path, config: Any) -> TextSpec:
    """Returns how texts are fed to the encoder saved in a folder.

    Args:
        folder: Holds `tokenizer.json`, and perhaps `tokenizer_config.json`.
        config: The encoder's configuration of transformers.

    Raises:
        BackboneError: If the folder has no `tokenizer.json`.
    """
    if not (folder / "tokenizer.json").is_file():
        raise BackboneError(
            f"{folder} has neither tokenizer.json nor preprocessor_config.json",
            expected="what the network is fed with",
            hint="AutoTokenizer.from_pretrained(...).save_pretrained(FOLDER)",
        )
    pad = getattr(config, "pad_token_id", None) or 0
    return TextSpec(tokenizer=folder, length_limit=_length_limit(config, pad), pad_id=pad)


def _length_limit(config: Any, pad: int) -> int:
    """Returns the most tokens that an encoder has positions for."""
    positions = getattr(config, "max_position_embeddings", None) or 512
    if config.model_type in _POSITIONS_FROM_PAD:
        positions -= pad + 1
    return int(positions) if 0 < positions < _NO_LIMIT else 512


def image_spec(settings: dict[str, Any], config: Any) -> ImageSpec:
    """Returns how images are fed, from the content of a `preprocessor_config.json`.

    Args:
        settings: The file's content.
        config: The encoder's configuration of transformers.
    """
    size, ratio = _size_and_ratio(settings)
    channels = int(getattr(config, "num_channels", 3))
    return ImageSpec(
        size=size,
        mean=_statistic(settings, "image_mean", channels=channels, neutral=0.0),
        std=_statistic(settings, "image_std", channels=channels, neutral=1.0),
        scale=round(1 / settings.get("rescale_factor", 1 / 255), 6),
        interpolation=_RESAMPLING.get(settings.get("resample", 3), "bicubic"),
        crop_ratio=ratio,
        channels=channels,
        fixed_size=config.model_type in _FIXED or _has_large_windows(config, size),
    )


def _has_large_windows(config: Any, size: int) -> bool:
    """Says whether the windows of a Swin are as large as its last map of a small picture.

    It would shrink or no longer shift them for good: its table of positions would not fit, and
    the network that is loaded again would answer otherwise.
    """
    if config.model_type != "swin":
        return False
    patch = config.patch_size
    patch = patch if isinstance(patch, int) else max(patch)
    step = patch * 2 ** (len(config.depths) - 1)
    return bool(min(size, _SMALL_SIDE) // step <= config.window_size)


def refuse_channels(spec: InputSpec, name: str) -> None:
    """Raises where a network takes neither grey pictures nor those of three colours.

    Args:
        spec: How it is fed.
        name: For the message.

    Raises:
        BackboneError: If it takes another number of channels, or its statistics are for one.
    """
    if not isinstance(spec, ImageSpec):
        return
    if spec.channels not in _CHANNELS:
        raise BackboneError(
            f"{name} takes images of {spec.channels} channels", expected="1 (grey) or 3 (colours)"
        )
    for word, values in (("mean", spec.mean), ("std", spec.std)):
        if len(values) not in (1, spec.channels):
            raise BackboneError(
                f"the {word} of {name} has {counted(len(values), 'number')}",
                expected=f"1, or one for each of {counted(spec.channels, 'channel')}",
            )


def _size_and_ratio(settings: dict[str, Any]) -> tuple[int, float]:
    """Returns the final side in pixels, and its share of the resized short side."""
    resized = _side(settings.get("size", 224))
    if settings.get("do_center_crop") and "crop_size" in settings:
        crop = _side(settings["crop_size"])
        return crop, min(1.0, crop / resized)
    # ConvNeXt up to 384 px resizes to size / crop_pct, then crops to size.
    share = settings.get("crop_pct")
    return resized, float(share) if share and resized < 384 else 1.0


def _side(size: Any) -> int:
    """Returns one side in pixels from each way in which sizes are written."""
    if isinstance(size, dict):
        return int(size.get("shortest_edge") or size.get("height") or 224)
    return int(size[0] if isinstance(size, list | tuple) else size)


def _statistic(
    settings: dict[str, Any], key: str, *, channels: int, neutral: float
) -> tuple[float, ...]:
    """Returns a mean or standard deviation for each channel."""
    values = settings.get(key) if settings.get("do_normalize", True) else None
    if values is None:
        return (neutral,) * channels
    listed = values if isinstance(values, list) else [values] * channels
    return tuple(float(value) for value in listed)
