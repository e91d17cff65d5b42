"""Opens the network for the data, and says what was understood of both."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from torch import nn

from regraft.backbones.backbone import Backbone
from regraft.backbones.open import open_backbone
from regraft.data.encode import texts_of
from regraft.data.explain import explain
from regraft.data.rows import Dataset, Modality
from regraft.data.spec import TextSpec
from regraft.data.starters.wheels import Say
from regraft.data.texts import token_lengths
from regraft.errors import BackboneError, SettingsError
from regraft.runs.choosing.defaults import MULTILINGUAL, TYPED, Chosen
from regraft.runs.choosing.network import check_mask
from regraft.settings import FitSettings

Network = nn.Module | Backbone
OF_OTHERS: dict[Modality, tuple[str, ...]] = {
    "text": ("image_size",),
    "image": ("max_length", "cut"),
}
"""Settings that are for rows of the other kind alone."""


def open_for(
    named: str | Network,
    settings: FitSettings,
    *,
    dataset: Dataset,
    say: Say,
    held: Collection[str] = (),
) -> Backbone:
    """Returns the backbone, which is fed texts cut where that was typed.

    Args:
        named: Name of the network, or the network itself.
        settings: As typed.
        dataset: The data.
        say: Told one line at a time.
        held: Names of settings that are as an earlier run wrote them down.

    Raises:
        SettingsError: If something was typed that is for rows of the other kind.
        BackboneError: If it cannot be opened, reads what the data are not, or passes the mask
            over.
    """
    _refuse_of_others(settings, dataset.modality, held=held)
    backbone = open_backbone(named, arch=settings.arch, say=say)
    wanted = "text" if isinstance(backbone.spec, TextSpec) else "image"
    if wanted != dataset.modality:
        raise BackboneError(
            f"{backbone.name} reads {wanted}s, and the data are {dataset.modality}s",
            expected=f"a network for {dataset.modality}s",
            hint="regraft list backbones",
        )
    check_mask(backbone)
    if isinstance(backbone.spec, TextSpec):
        return replace(backbone, spec=replace(backbone.spec, cut=settings.cut))
    return backbone


def _refuse_of_others(settings: FitSettings, modality: Modality, *, held: Collection[str]) -> None:
    """Refuses what would do nothing with these rows; a run that is repeated may hold it."""
    for name in OF_OTHERS[modality]:
        value = getattr(settings, name)
        if name not in held and value != FitSettings.model_fields[name].default:
            raise SettingsError(
                f"{name} = {value!r} is not for {modality}s",
                hint=f"no --{name.replace('_', '-')}",
            )


def text_lengths(dataset: Dataset, backbone: Backbone) -> npt.NDArray[np.int64]:
    """Returns (N,) tokens of each training text; none for images."""
    if not isinstance(backbone.spec, TextSpec):
        return np.zeros(0, np.int64)
    return token_lengths(texts_of(dataset.parts["train"]), backbone.spec)


def explained(
    dataset: Dataset, backbone: Backbone, *, chosen: Chosen, lengths: npt.NDArray[np.int64]
) -> list[str]:
    """Returns the lines that say what was understood.

    Args:
        dataset: The data.
        backbone: The network that was opened.
        chosen: What was left open, decided.
        lengths: (N,) tokens of each training text; none for images.
    """
    if not isinstance(backbone.spec, TextSpec):
        return explain(dataset)
    extent = int(chosen.extent.value)
    cut = float((lengths > extent).mean()) if len(lengths) else 0.0
    choice = chosen.backbone
    # Not for a network of a program, which nobody chose here.
    ours = backbone.name == choice.value == MULTILINGUAL and choice.reason != TYPED
    return explain(
        dataset,
        cut_share=cut,
        length=extent,
        scripts=backbone.spec.scripts,
        network=choice.words() if ours else "",
        cut=backbone.spec.cut,
    )
