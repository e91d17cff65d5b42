"""Makes a network's token table smaller for a while: the rows that the texts at hand use.

A step's gradient of the table is as large as the table, whatever the batch names, and so is
the optimiser's work on it: half of a small encoder, four fifths of a multilingual one.
Rows that no text uses have no gradient; leaving them out changes nothing in the others.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from regraft.backbones.chain import call
from regraft.backbones.splicing.recording import in_evaluation
from regraft.backbones.splicing.tree import primary
from regraft.data.texts import TokenRows

WORTH = 0.8
"""Share of the table in use above which it stays whole."""
SAMPLE = 4
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reduced:
    """A table that is smaller for a while.

    Args:
        table: The network's token table, now of M rows.
        whole: (V, D) the pretrained rows.
        used: (M,) token numbers whose rows are kept, rising.
    """

    table: nn.Embedding
    whole: nn.Parameter
    used: Ids

    def renumbered(self, rows: TokenRows) -> TokenRows:
        """Returns the same texts in numbers of rows of the small table."""
        tokens = np.searchsorted(self.used, rows.tokens).astype(np.int32)
        return TokenRows(tokens, rows.starts, rows.pad_id, self.used)

    @property
    def untouched(self) -> bool:
        """Says whether the rows in use are still the pretrained ones."""
        places = torch.from_numpy(self.used).to(self.whole.device)
        return torch.equal(self.table.weight, self.whole[places])

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Opens a stretch with the whole table in place, as it was before it was reduced."""
        small = self.table.weight
        assert isinstance(small, nn.Parameter)
        _exchange(self.table, self.whole)
        try:
            yield
        finally:
            _exchange(self.table, small)

    def restore(self) -> None:
        """Puts the whole table back, with the rows that were in use as they are now."""
        with torch.no_grad():
            places = torch.from_numpy(self.used).to(self.whole.device)
            self.whole[places] = self.table.weight.detach()
        self.whole.requires_grad_(self.table.weight.requires_grad)
        _exchange(self.table, self.whole)


def reduce_table(trunk: nn.Module, rows: Sequence[TokenRows]) -> Reduced | None:
    """Makes the token table smaller, or returns None where that does not pay or not hold.

    It holds where the network answers a sample with the very same numbers: some look at
    token numbers themselves, to find the end of a text.

    Args:
        trunk: The library's own module; changed.
        rows: All texts that it will be given until the table is restored.
    """
    table = table_of(trunk)
    if table is None or not any(len(each) for each in rows):
        return None
    # Numbers up to the padding's stay what they are: networks count positions by them.
    kept = np.arange(rows[0].pad_id + 1)
    used = np.unique(np.concatenate([kept, *(each.tokens for each in rows)])).astype(np.int64)
    if len(used) > WORTH * table.num_embeddings:
        return None
    sample = _sample(next(each for each in rows if len(each)))
    before = _answer(trunk, sample)
    whole = table.weight
    assert isinstance(whole, nn.Parameter)
    with torch.no_grad():
        small = nn.Parameter(whole[torch.from_numpy(used).to(whole.device)].clone())
    reduced = Reduced(table, whole, used)
    small.requires_grad_(whole.requires_grad)
    _exchange(table, small)
    if torch.equal(before, _answer(trunk, reduced.renumbered(sample))):
        return reduced
    reduced.restore()
    return None


def _sample(rows: TokenRows) -> TokenRows:
    """Returns a few rows, the longest and the shortest among them."""
    lengths = rows.lengths
    return rows.take(np.unique([0, len(rows) // 2, lengths.argmax(), lengths.argmin()]))


def table_of(trunk: nn.Module) -> nn.Embedding | None:
    """Returns the token table of a transformers encoder, if nothing else shares its weight."""
    find = getattr(trunk, "get_input_embeddings", None)
    try:
        table = find() if callable(find) else None
    except NotImplementedError:  # so says transformers of networks of images
        return None
    if type(table) is not nn.Embedding or table.max_norm is not None:
        return None
    shared = [p for _, p in trunk.named_parameters(remove_duplicate=False) if p is table.weight]
    return table if len(shared) == 1 else None


def vocabulary_size(trunk: nn.Module) -> int:
    """Returns how many token numbers a text network knows; 0 where it has no table."""
    find = getattr(trunk, "get_input_embeddings", None)
    told = find() if callable(find) else None
    tables = [m for m in (told, *trunk.modules()) if isinstance(m, nn.Embedding)]
    return tables[0].num_embeddings if tables else 0


def _exchange(table: nn.Embedding, weight: nn.Parameter) -> None:
    table.weight = weight
    table.num_embeddings = len(weight)


def _answer(trunk: nn.Module, rows: TokenRows) -> Tensor:
    """Returns the trunk's first output for a few rows, in evaluation."""
    device = next(trunk.parameters()).device
    batch = rows.batch(np.arange(min(len(rows), SAMPLE)))
    with in_evaluation(trunk), torch.no_grad():
        found = primary(call(trunk, {name: t.to(device) for name, t in batch.items()}))
    assert found is not None, "an encoder answers with numbers"
    return found
