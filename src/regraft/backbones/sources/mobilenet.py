"""Makes the starter `mobilenet-v2` from a Keras file, of which only arrays are read."""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from regraft.backbones.backbone import Architecture, Backbone
from regraft.backbones.build import build
from regraft.backbones.sources.cached import WEIGHTS, Read, cached_backbone
from regraft.backbones.weights import Weights
from regraft.data.spec import ImageSpec
from regraft.data.starters.models import MODELS, StarterModel

ARCHITECTURE = Architecture("timm", "mobilenetv2_100", {"pad_type": "same", "bn_eps": 1e-3}, "none")
"""Keras pads as TensorFlow does and divides by a wider eps than timm's default."""
OFFSETS = (
    6_408_776, 1_563_080, 6_414_280, 6_414_408, 6_414_536, 6_414_664, 6_415_816, 6_415_944,
    6_416_072, 6_416_200, 6_421_416, 6_425_512, 6_425_576, 6_425_640, 6_425_704, 6_429_608,
    6_425_768, 6_426_152, 6_426_536, 6_426_920, 6_438_856, 6_444_360, 6_444_744, 6_445_128,
    6_445_512, 6_448_456, 6_427_304, 6_427_400, 6_445_896, 6_445_992, 6_461_584, 6_477_456,
    6_478_032, 6_478_608, 6_481_552, 6_482_128, 6_489_360, 6_489_936, 6_490_512, 6_491_088,
    6_493_712, 6_446_088, 6_446_184, 6_446_280, 6_479_184, 6_510_424, 6_526_296, 6_526_872,
    6_527_448, 6_528_024, 6_530_648, 6_537_880, 6_538_456, 6_539_032, 6_539_608, 6_542_232,
    6_479_280, 6_562_712, 6_562_840, 6_562_968, 6_566_808, 6_563_096, 6_563_864, 6_593_432,
    6_594_200, 6_594_968, 6_603_928, 6_604_696, 6_605_464, 6_608_280, 6_609_048, 6_564_632,
    6_635_672, 6_635_800, 6_635_928, 6_639_768, 6_636_056, 6_636_824, 6_666_392, 6_667_160,
    6_670_488, 6_677_400, 6_678_168, 6_681_496, 6_682_264, 6_685_592, 6_637_592, 6_667_928,
    6_668_056, 6_668_184, 6_712_216, 6_738_840, 6_739_608, 6_740_376, 6_741_144, 6_743_960,
    6_752_920, 6_753_688, 6_754_456, 6_755_224, 6_758_040, 6_678_936, 6_679_192, 6_683_032,
    6_683_288, 6_809_480, 6_909_832, 6_911_368, 6_912_904, 6_916_488, 6_921_352, 6_935_176,
    6_936_712, 6_938_248, 6_941_832, 6_943_368, 6_918_024, 6_918_280, 7_043_720, 7_043_976,
    7_047_816, 7_044_232, 7_148_168, 7_149_704, 7_151_240, 7_154_824, 7_170_696, 7_172_232,
    7_173_768, 7_175_304, 7_176_840, 7_277_192, 7_277_448, 7_277_704, 7_277_960, 7_281_288,
    7_381_640, 7_383_176, 7_384_712, 7_386_248, 7_389_832, 7_405_704, 7_407_240, 7_408_776,
    7_410_312, 7_413_896, 7_278_216, 7_278_472, 7_278_728, 7_278_984, 7_514_336, 7_614_688,
    7_616_224, 7_619_808, 7_621_344, 7_622_880, 7_638_752, 7_640_288, 7_641_824, 7_643_360,
    7_646_944, 7_796_448, 7_796_832, 7_797_216, 7_797_600, 7_800_544, 8_021_728, 8_024_032,
    8_028_384, 8_030_688, 8_035_040, 8_055_776, 8_058_080, 8_060_384, 8_064_736, 8_067_040,
    7_797_984, 8_290_272, 8_290_656, 8_291_040, 8_294_368, 8_517_600, 8_519_904, 8_522_208,
    8_524_512, 8_528_864, 8_549_600, 8_553_952, 8_556_256, 8_558_560, 8_560_864, 8_291_424,
    8_291_808, 8_784_096, 8_784_480, 8_788_192, 9_011_424, 9_013_728, 9_016_032, 9_018_336,
    9_022_688, 9_045_472, 9_047_776, 9_050_080, 9_052_384, 9_056_736, 246_972, 247_612, 8_784_864,
    8_785_504, 274_248, 890_696, 894_536, 9_425_376, 9_429_216, 900_424, 937_032, 940_872,
    9_433_056, 9_438_944, 944_712, 248_252, 1_561_160, 9_442_784, 9_443_424, 1_565_256, 2_181_704,
    2_185_544, 9_444_064, 9_447_904, 2_189_384, 2_225_992, 2_229_832, 9_451_744, 9_455_584,
    2_235_720, 1_561_800, 1_562_440, 9_461_472, 9_462_112, 2_852_168, 3_468_616, 3_472_456,
    9_462_752, 9_466_592, 3_478_344, 3_514_952, 3_518_792, 9_470_432, 9_474_272, 3_524_680,
    4_753_480, 4_754_760, 9_478_112, 9_481_440, 4_758_088, 6_398_536, 6_403_656, 9_482_720,
    9_487_840,
)  # fmt: skip
"""Where each array starts in the file, bytes: kernel, gamma, beta, mean, variance of each
convolution, from the stem to the head. All are contiguous little-endian float32, and the file is
known by its digest, so no HDF5 library (and nothing of what else the file holds) is needed."""


def convert_mobilenet(read: Read, folder: Path) -> None:
    """Writes the trunk under timm's names.

    Args:
        read: Gives the bytes of the member.
        folder: Where the weights go.
    """
    (member,) = MODELS["mobilenet-v2"].members
    save_file(keras_weights(read(member)), folder / WEIGHTS, metadata={"format": "pt"})


def open_mobilenet(entry: StarterModel, folder: Path) -> Backbone:
    """Returns the image network from its folder in the cache."""
    half = (0.5, 0.5, 0.5)  # Keras feeds pixels / 127.5 - 1
    spec = ImageSpec(224, half, half, interpolation="bilinear", crop_ratio=0.875)
    return cached_backbone(entry, folder, architecture=ARCHITECTURE, spec=spec)


def keras_weights(content: bytes) -> Weights:
    """Returns timm's tensors from the file of Keras; both list their layers in one order.

    Args:
        content: The file, whose digest was right.
    """
    weights = build(ARCHITECTURE).state_dict()
    # Keras counts no batches; the counters stay at 0.
    names = [name for name in weights if not name.endswith("num_batches_tracked")]
    for name, offset in zip(names, OFFSETS, strict=True):
        weights[name] = _array(content, offset, name=name, like=weights[name])
    return weights


def _array(content: bytes, offset: int, *, name: str, like: Tensor) -> Tensor:
    """Returns one array of the file in torch's order of axes."""
    flat = np.frombuffer(content, "<f4", count=like.numel(), offset=offset)
    values = torch.from_numpy(flat.astype(np.float32))
    if like.dim() != 4:
        return values
    outputs, inputs, height, width = like.shape
    if "conv_dw" in name:  # H W C 1, as one filter stands for each channel
        return values.reshape(height, width, outputs, inputs).permute(2, 3, 0, 1).contiguous()
    return values.reshape(height, width, inputs, outputs).permute(3, 2, 0, 1).contiguous()
