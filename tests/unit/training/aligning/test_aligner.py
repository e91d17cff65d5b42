"""Tests the loss of a phase that draws domains together: labels, guesses, discriminators."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from regraft.training.aligning.aligner import (
    Aligner,
    Known,
    Passed,
    aligner_for,
    channels_last,
    discriminator_for,
)
from regraft.training.aligning.alignment import Alignment, TermName
from regraft.training.aligning.discriminator import make_discriminator
from regraft.training.phase import Phase
from regraft.training.session import Session
from tests.tiny_sessions import (
    KINDS,
    changed,
    elsewhere_examples,
    session,
    state,
    without_labels,
)

PLAIN = Phase("align", 0, 1, 1e-3, (1e-3,) * 3)


def begun(kind: str = "text") -> Session:
    made = session(kind)
    made.target = without_labels(elsewhere_examples(kind, 20))
    return made


def test_a_phase_without_an_alignment_has_no_aligner() -> None:
    made = begun()
    assert aligner_for(made, PLAIN, steps=4) is None
    assert discriminator_for(made, [PLAIN]) is None
    assert discriminator_for(made, [replace(PLAIN, alignment=Alignment("mcc"))]) is None


@pytest.mark.parametrize(
    ("kind", "position", "reads"),
    [("text", None, "mlp"), ("text", 2, "rnn"), ("image", None, "mlp"), ("image", 2, "cnn")],
)
def test_a_discriminator_is_made_for_what_is_there(
    kind: str, position: int | None, reads: str
) -> None:
    phase = replace(PLAIN, alignment=Alignment("cdan", position=position))
    found = discriminator_for(begun(kind), [PLAIN, phase])
    assert found is not None
    assert found.kind == reads


def test_labels_of_the_source_alone_are_learnt() -> None:
    made = begun()
    aligner = Aligner(made, Alignment("mcc", weight=1e-12), steps=4)
    logits, labels = torch.randn(4, 2), torch.tensor([1, -1, 0, -1])
    weights = torch.tensor([1.0, 3.0])
    found = aligner.loss(Passed(torch.zeros(4, 16), logits, []), labels, weights=weights)
    expected = functional.cross_entropy(logits[::2], labels[::2], weights)
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


def test_no_label_is_learnt_where_the_head_stands_still() -> None:
    aligner = Aligner(begun(), Alignment("shot", source=False), steps=4)
    logits = torch.randn(4, 2)
    passed = Passed(torch.zeros(4, 16), logits, [])
    found = [
        float(aligner.loss(passed, torch.tensor(labels), weights=None))
        for labels in ([1, -1, 0, -1], [0, -1, 1, -1])
    ]
    assert found[0] == found[1]


LENT = torch.tensor([False, False, True, False, False, False])
LABELS = torch.tensor([1, -1, 0, -1, 0, -1])


@pytest.mark.parametrize("source", [True, False])
def test_labels_of_the_target_count_as_much_with_the_source_as_without(source: bool) -> None:
    aligner = Aligner(begun(), Alignment("mcc", weight=1e-12, source=source), steps=4)
    logits, weights = torch.randn(6, 2), torch.tensor([0.5, 1.5])
    rows = LENT | (LABELS < 0) if not source else torch.ones(6, dtype=torch.bool)
    passed = Passed(torch.zeros(6, 16)[rows], logits[rows], [], lent=LENT[rows])
    found = aligner.loss(passed, LABELS[rows], weights=weights)
    learnt = LABELS >= 0 if source else LENT
    expected = functional.cross_entropy(logits[learnt], LABELS[learnt], weights)
    # It weighs 1/2, beside three rows that have no label.
    share = 1 if source else 0.5 / 3
    assert float(found) == pytest.approx(share * float(expected), abs=1e-6)


def test_pieces_of_a_batch_know_which_labels_are_the_target_s() -> None:
    labels, lent = torch.tensor([0, -1] * 8), torch.arange(16) < 8
    known, aligner = Known(labels, lent=lent), Aligner(begun(), Alignment("mmd"), steps=4)
    assert aligner.pieces(known, 4) == [slice(0, 16)]
    assert len(aligner.pieces(replace(known, lent=None), 4)) == 4


@pytest.mark.parametrize("name", ["mmd", "coral", "mcc", "pseudo", "shot", "dann", "cdan"])
def test_labelled_rows_of_the_target_are_of_neither_domain_in_the_term(name: TermName) -> None:
    made = begun()
    alignment = Alignment(name, position=2 if name == "cdan" else None)
    made.discriminator = discriminator_for(made, [replace(PLAIN, alignment=alignment)])
    aligner = Aligner(made, alignment, steps=4)
    features, logits = torch.randn(6, 16), torch.randn(6, 2)
    left = [torch.randn(6, 5, 16)] if name == "cdan" else []
    mask, guesses = torch.ones(6, 5, dtype=torch.long), torch.tensor([-1, 1, 0, 0, -1, 1])

    def loss(rows: torch.Tensor, lent: torch.Tensor | None) -> float:
        places = [each[rows] for each in left]
        passed = Passed(features[rows], logits[rows], places, mask[rows], guesses[rows], lent)
        return float(aligner.loss(passed, LABELS[rows], weights=None).detach())

    def learnt(rows: torch.Tensor) -> float:
        return float(functional.cross_entropy(logits[rows], LABELS[rows]))

    everything, without = torch.arange(6), torch.arange(6)[~LENT]
    labelled = LABELS >= 0
    expected = loss(without, None) - learnt(labelled & ~LENT) + learnt(labelled)
    assert loss(everything, LENT) == pytest.approx(expected, abs=1e-5)


def test_guesses_have_the_weights_of_their_classes_too() -> None:
    aligner = Aligner(begun(), Alignment("pseudo"), steps=4)
    logits, weights = torch.randn(4, 2), torch.tensor([1.0, 3.0])
    labels, guesses = torch.tensor([1, 0, -1, -1]), torch.tensor([-1, -1, 1, 0])
    passed = Passed(torch.zeros(4, 16), logits, [], guesses=guesses)
    found = aligner.loss(passed, labels, weights=weights)
    own = functional.cross_entropy(logits[:2], labels[:2], weights)
    expected = own + functional.cross_entropy(logits[2:], guesses[2:], weights)
    assert float(found) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_with_labels_become_virtual_where_that_is_asked(kind: str) -> None:
    made = begun(kind)
    made.network.eval()
    alignment = Alignment("gaussian", position=2, share=1.0)
    aligner = Aligner(made, alignment, steps=4)
    batch = made.train.rows.batch(np.arange(4))
    known = Known(torch.tensor([1, -1, 0, -1]))
    with torch.no_grad():
        plain = made.network(batch)
        with aligner.around_pass(known, mask=batch.get("attention_mask")) as left:
            found = made.network(batch)
    assert left == []
    assert torch.equal(found[1::2], plain[1::2])
    assert not torch.isclose(found[::2], plain[::2], atol=1e-4).all(dim=1).any()
    passed = Passed(torch.zeros(4, 16), found, left)
    loss = aligner.loss(passed, known.labels, weights=None)
    assert float(loss) == pytest.approx(
        float(functional.cross_entropy(found[::2], known.labels[::2]))
    )


def test_which_rows_are_lent_goes_by_their_numbers() -> None:
    made = begun()
    aligner = Aligner(made, Alignment("pseudo", threshold=0.5), steps=4)
    count = len(made.train)
    assert aligner.lent(np.array([0, count])) is None
    plain = Aligner(made, Alignment("pseudo", threshold=0.5), steps=4)
    plain.begin()
    made.lent = elsewhere_examples("text", 6)
    found = aligner.lent(np.array([0, count, count + 5, count + 6]))
    assert found is not None
    assert found.tolist() == [False, True, True, False]
    aligner.begin()
    guessed = aligner.guesses(np.array([0, count + 5, count + 6]))
    assert guessed is not None
    assert guessed.tolist()[:2] == [-1, -1]
    made.lent = None
    first = plain.guesses(np.array([0, count]))
    assert first is not None
    assert guessed[2] == first[1]


@pytest.mark.parametrize("kind", KINDS)
def test_guesses_are_the_networks_own_sure_answers_to_rows_as_they_are(kind: str) -> None:
    made = begun(kind)
    assert made.target is not None
    aligner = Aligner(made, Alignment("pseudo", threshold=0.5), steps=4)
    aligner.begin()
    indices = np.array([0, len(made.train) + 3, 1, len(made.train) + 7])
    found = aligner.guesses(indices)
    made.network.eval()
    with torch.no_grad():
        answers = made.network(made.target.rows.batch(np.array([3, 7]))).argmax(1)
    assert found is not None
    assert found.tolist() == [-1, int(answers[0]), -1, int(answers[1])]
    unsure = Aligner(made, Alignment("pseudo", threshold=1.0), steps=4, plain=aligner.plain)
    assert set(unsure.guesses(indices).tolist()) == {-1}  # type: ignore[union-attr]


def test_guessing_leaves_modes_as_they_were() -> None:
    made = begun("image")
    made.network.train()
    aligner = Aligner(made, Alignment("pseudo"), steps=4)
    aligner.begin()
    before = state(made.network)
    aligner.guesses(np.array([0, len(made.train)]))
    assert made.network.training
    assert not changed(before, made.network)


def test_nothing_is_guessed_for_other_terms() -> None:
    aligner = Aligner(begun(), Alignment("mcc"), steps=4)
    aligner.begin()
    assert aligner.guesses(np.array([0, 40])) is None


def test_maps_of_a_windowed_transformer_have_their_channels_last() -> None:
    from torchvision.models import SwinTransformer

    torch.manual_seed(0)
    sizes = {"patch_size": [4, 4], "window_size": [4, 4], "embed_dim": 12}
    network = SwinTransformer(**sizes, depths=[1, 1], num_heads=[2, 2])
    assert channels_last(network, (6, 8, 24))
    assert not channels_last(network, (24,))
    convolutions = torch.nn.Sequential(torch.nn.Conv2d(3, 24, 3), torch.nn.BatchNorm2d(24))
    assert not channels_last(convolutions, (24, 6, 24))


def test_what_has_its_channels_last_is_read_as_if_they_came_first() -> None:
    alignment = Alignment("dann", position=1)
    first, last = (
        make_discriminator(alignment, (5, 6, 7), classes=2, seed=0, channels_last=each)
        for each in (False, True)
    )
    rows = torch.randn(2, 5, 6, 7)
    assert torch.equal(first(rows, None), last(rows.permute(0, 2, 3, 1), None))
