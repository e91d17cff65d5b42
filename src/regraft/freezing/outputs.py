"""Measures how far each block's outputs on a few rows have moved from where they were."""

import torch
from torch import Tensor

from regraft.backbones.backbone import Batch
from regraft.backbones.chain import Chain
from regraft.backbones.splicing.recording import in_evaluation


class Outputs:
    """The blocks' outputs on a fixed sample at the start, and their distances from there.

    What a block gives depends on those below it: where the outputs of the lower blocks have
    settled, the function of the whole prefix has.

    Args:
        chain: Its P blocks, at the start.
        sample: A few rows, always the same.
    """

    def __init__(self, chain: Chain, sample: Batch) -> None:
        self._chain, self._sample = chain, sample
        self.starts = [[output] for output in self._outputs()]

    def distances(self) -> list[float]:
        """Returns (P,) D = ‖h − h at the start‖ of each block's outputs h."""
        pairs = zip(self._outputs(), self.starts, strict=True)
        # On the processor: not every device has double numbers.
        apart = ((h - start).cpu().double() for h, (start,) in pairs)
        return [float(torch.linalg.vector_norm(each)) for each in apart]

    @torch.no_grad()
    def _outputs(self) -> list[Tensor]:
        chain, found = self._chain, []
        with in_evaluation(chain.network):
            activation = chain.prefix(0, self._sample)
            for number in range(chain.top):
                activation = chain.advance(activation, self._sample, start=number, stop=number + 1)
                found.append(activation.clone())
        return found
