"""The leaves behind a tensor are found, and only those."""

import torch

from regraft.backbones.splicing.graph import sources


def test_every_leaf_that_a_tensor_was_made_from_is_found() -> None:
    used, shared, unused = (torch.ones(2, requires_grad=True) for _ in range(3))
    made = (used * shared).sum() + shared.view(1, 2).sum()
    assert sources(made.grad_fn) == {id(used), id(shared)}
    assert id(unused) not in sources((made + unused.detach().sum()).grad_fn)


def test_a_tensor_without_a_graph_has_no_sources() -> None:
    assert sources(torch.ones(1).grad_fn) == set()
