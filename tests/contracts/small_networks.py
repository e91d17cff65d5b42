"""Makes small random networks of three libraries, with a batch for each."""

from collections.abc import Callable
from typing import Any

import timm
import torch
import transformers
from torch import Tensor, nn
from torchvision import models

Batch = dict[str, Tensor]
SMALL: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}


def bert() -> nn.Module:
    network: nn.Module = transformers.BertModel(transformers.BertConfig(**SMALL, **NO_DROPOUT))
    return network


def e5() -> nn.Module:
    # As the starter: BERT with the padding's row second and a table much larger than the rest.
    sizes = {**SMALL, "vocab_size": 2000, "num_hidden_layers": 4}
    config = transformers.BertConfig(**sizes, **NO_DROPOUT, pad_token_id=1)
    network: nn.Module = transformers.BertModel(config, add_pooling_layer=False)
    return network


def deberta() -> nn.Module:
    config = transformers.DebertaV2Config(
        **SMALL,
        **NO_DROPOUT,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
    )
    network: nn.Module = transformers.DebertaV2Model(config)
    return network


def modernbert() -> nn.Module:
    ids = {f"{name}_token_id": number for number, name in enumerate(("pad", "bos", "eos", "cls"))}
    config = transformers.ModernBertConfig(**SMALL, **ids, sep_token_id=4)
    network: nn.Module = transformers.ModernBertModel(config)
    return network


def resnet18() -> nn.Module:
    network: nn.Module = models.resnet18(weights=None, num_classes=10)
    return network


def alexnet() -> nn.Module:
    # Its classifier alone has 55 million weights; built without memory, it is made narrow.
    with torch.device("meta"):
        network: nn.Module = models.alexnet(weights=None, num_classes=10, dropout=0.0)
        classifier = network.get_submodule("classifier")
        for place, (inputs, outputs) in {"1": (9216, 16), "4": (16, 16), "6": (16, 10)}.items():
            setattr(classifier, place, nn.Linear(inputs, outputs))
    network.to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
    return network


def efficientnet() -> nn.Module:
    network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    return network


def mobilenet() -> nn.Module:
    network: nn.Module = timm.create_model(
        "mobilenetv2_035", pretrained=False, num_classes=0, pad_type="same", bn_eps=1e-3
    )
    return network


def vgg() -> nn.Module:
    narrow: list[str | int] = [8, 8, "M", 8, 8, "M"]
    wide: list[str | int] = [16, 16, 16, "M"]
    network: nn.Module = models.vgg.make_layers(narrow + 3 * wide)
    return network


def vit() -> nn.Module:
    network: nn.Module = timm.create_model(
        "vit_tiny_patch16_224", pretrained=False, img_size=32, num_classes=0, depth=4
    )
    return network


def texts(rows: int = 2, tokens: int = 8) -> Batch:
    """Returns token numbers with padding at the end of the last row."""
    generator = torch.Generator().manual_seed(rows * 100 + tokens)
    ids = torch.randint(5, 100, (rows, tokens), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, tokens - 3 :] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}


def images(rows: int = 2, side: int = 64) -> Batch:
    generator = torch.Generator().manual_seed(rows * 1000 + side)
    return {"pixels": torch.randn(rows, 3, side, side, generator=generator)}


def small_images(rows: int = 2, side: int = 32) -> Batch:
    return images(rows, side)


Build = Callable[[], nn.Module]
Example = Callable[..., Batch]
NETWORKS: dict[str, tuple[Build, Example]] = {
    "bert": (bert, texts),
    "e5": (e5, texts),
    "deberta": (deberta, texts),
    "modernbert": (modernbert, texts),
    "resnet18": (resnet18, images),
    "alexnet": (alexnet, images),
    "efficientnet": (efficientnet, images),
    "mobilenet": (mobilenet, images),
    "vgg": (vgg, images),
    "vit": (vit, small_images),
}
TEXT_NETWORKS = ("bert", "e5", "deberta", "modernbert")


def small_network(name: str) -> tuple[nn.Module, Batch]:
    """Returns a network with random weights of a fixed seed, and a batch for it."""
    build, example = NETWORKS[name]
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return build(), example()
