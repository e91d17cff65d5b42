"""The outline says who holds whom and where the state dict's entries are."""

from torch import nn

from regraft.backbones.splicing.outline import outline


def example() -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 3),
        nn.Sequential(nn.ReLU(), nn.BatchNorm1d(3, affine=False)),
        nn.Identity(),
    )


def test_children_lie_directly_below_their_holder() -> None:
    assert outline(example()).children == {
        "": ("0", "1", "2"),
        "0": (),
        "1": ("1.0", "1.1"),
        "1.0": (),
        "1.1": (),
        "2": (),
    }


def test_statistics_without_parameters_are_state_too() -> None:
    made = outline(example())
    assert made.owners == {"0", "1.1"}
    assert made.stateful == {"", "0", "1", "1.1"}


def test_buffers_outside_the_state_dict_are_no_state() -> None:
    network = nn.Identity()
    network.register_buffer("constants", None, persistent=False)
    assert outline(network).owners == set()


def test_sizes_count_the_whole_subtree() -> None:
    assert outline(example()).sizes == {"": 9, "0": 9, "1": 0, "1.0": 0, "1.1": 0, "2": 0}


def test_below_starts_with_the_path_itself() -> None:
    assert list(outline(example()).below("1")) == ["1", "1.0", "1.1"]


def test_tables_of_embeddings_are_counted_and_tied_ones_once() -> None:
    one, other = nn.Embedding(5, 2), nn.Embedding(5, 2)
    other.weight = one.weight
    network = nn.Sequential(one, other, nn.Linear(2, 3))
    assert outline(network).tables == {"": 10, "0": 10, "1": 10, "2": 0}
    assert outline(network).sizes[""] == 10 + 9
