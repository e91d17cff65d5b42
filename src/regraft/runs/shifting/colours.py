"""Says where a grey source keeps the network from seeing the target's colours.

Source: none (regraft).
"""

from collections.abc import Sequence
from dataclasses import replace

from regraft.data.reading.pictures import is_grey, open_picture, to_pixels
from regraft.data.rows import Input
from regraft.data.spec import ImageSpec
from regraft.data.starters.wheels import Say
from regraft.runs.adapting.target import Target
from regraft.runs.fitting.prepare import Prepared

UNUSED = "the source is grey, so the target's colours are not used"
LOOKED_AT = 64
"""Pictures that are looked at: a target of colours shows them in the first."""


def with_colours_told(prepared: Prepared, target: Target, *, say: Say) -> Prepared:
    """Returns the source with a warning where the target's pictures have colours that it lacks.

    Args:
        prepared: Of the source, whose training rows decide what the network reads.
        target: Its rows.
        say: Told the warning.
    """
    dataset, spec = prepared.dataset, prepared.backbone.spec
    facts = dataset.pictures
    # Where three channels stay, the colours reach the network.
    if facts is None or facts.grey_share < 1 or not _reads_grey(spec):
        return prepared
    if not _coloured(target.rows.inputs):
        return prepared
    say(f"warning: {UNUSED}")
    return replace(prepared, dataset=replace(dataset, warnings=(*dataset.warnings, UNUSED)))


def _reads_grey(spec: object) -> bool:
    return isinstance(spec, ImageSpec) and spec.channels == 1


def _coloured(inputs: Sequence[Input]) -> bool:
    """Says whether one of some pictures, taken at equal steps, has colours."""
    step = max(1, len(inputs) // LOOKED_AT)
    return any(not is_grey(to_pixels(open_picture(source))) for source in inputs[::step])
