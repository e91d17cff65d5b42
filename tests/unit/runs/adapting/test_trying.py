"""Tests that methods are tried in order, judged, and told one a line."""

from dataclasses import replace

import numpy as np
import pytest

from regraft.adaptation import table
from regraft.adaptation.adabn import AdaBn
from regraft.adaptation.domains import Adapted, Domains
from regraft.adaptation.numbers import NotFiniteError
from regraft.adaptation.preparation import Preparation
from regraft.adaptation.source_only import SourceOnly
from regraft.adaptation.standardise import Standardise
from regraft.adaptation.table import SOURCE_ONLY
from regraft.errors import DivergedError, SettingsError
from regraft.runs.adapting.features import Pools
from regraft.runs.adapting.trying import Known, method_words, try_methods
from regraft.runs.adapting.views import View, Views
from regraft.training.heads.probe import Labelled
from tests import two_domains


def test_each_method_is_tried_and_told() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    said: list[str] = []
    names = [SOURCE_ONLY, "standardise", "coral-recolour"]
    found, _ = try_methods(given, names, say=said.append)
    assert [each.name for each in found] == names
    assert [line.partition(":")[0] for line in said] == names
    assert found[0].objections == {}
    assert set(found[1].objections) == {"narrow", "empty_class", "stranger", "forgetful", "one_way"}
    assert all(each.seconds >= 0 for each in found)


def test_a_dropped_method_is_told_with_the_reason() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    (start, other), _ = try_methods(given, [SOURCE_ONLY, "standardise"], say=lambda _: None)
    dropped = type(other)(other.name, other.adapted, other.signs, objections={"a": "it is narrow"})
    assert "; dropped, as it is narrow (" in method_words(dropped)
    assert "dropped" not in method_words(start)


def test_a_method_that_follows_a_preparation_sees_what_that_makes() -> None:
    source = two_domains.two_classes(200, 0)
    given = two_domains.domains(source, two_domains.moved(100))
    other = two_domains.domains(source, two_domains.two_classes(100, 5))
    seen: list[Preparation] = []

    def make(preparation: Preparation) -> View:
        seen.append(preparation)
        return View(other, Pools({}, other.target))

    views = Views(View(given, Pools({}, given.target)), make)
    names = [SOURCE_ONLY, "adabn", "adabn+standardise"]
    found, _ = try_methods(given, names, say=lambda _: None, views=views)
    assert seen == [AdaBn()]
    wanted = [SourceOnly().adapt(given), SourceOnly().adapt(other), Standardise().adapt(other)]
    for each, adapted in zip(found, wanted, strict=True):
        assert np.array_equal(each.adapted.on_target.shift, adapted.on_target.shift)
    predicted = other.start.logits(other.target).argmax(axis=1)
    assert np.array_equal(found[1].signs.predicted, predicted)


def test_a_method_that_diverged_is_told() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    names = [SOURCE_ONLY, "mcc:rate=1e30,steps=9"]
    with pytest.raises(SettingsError, match="mcc:rate=1e30,steps=9 diverged"):
        try_methods(given, names, say=lambda _: None, alone=True)


def test_the_only_method_on_features_is_left_out_where_others_move_the_trunk() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    said: list[str] = []
    names = [SOURCE_ONLY, "mcc:rate=1e30,steps=9"]
    found, lost = try_methods(given, names, say=said.append)
    assert [each.name for each in found] == [SOURCE_ONLY]
    assert lost == names[1:]


def test_a_preparation_that_diverged_is_left_out_with_all_that_follows_it_and_worked_once() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    worked: list[Preparation] = []

    def make(preparation: Preparation) -> View:
        worked.append(preparation)
        raise DivergedError("it ran away")

    views = Views(View(given, Pools({}, given.target)), make)
    said: list[str] = []
    names = [SOURCE_ONLY, "adabn", "adabn+standardise", "standardise"]
    found, lost = try_methods(
        given,
        names,
        say=said.append,
        views=views,
        known=Known(
            lambda word: Labelled(views.of(word).domains.target[:0], np.zeros(0, np.int64))
        ),
    )
    assert [each.name for each in found] == [SOURCE_ONLY, "standardise"]
    assert (lost, len(worked)) == (["adabn", "adabn+standardise"], 1)
    assert "adabn is left out: it ran away" in said


def test_of_several_methods_one_that_diverged_is_left_out_and_told() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    said: list[str] = []
    names = [SOURCE_ONLY, "mcc:rate=1e30,steps=9", "standardise"]
    found, lost = try_methods(given, names, say=said.append)
    assert [each.name for each in found] == [SOURCE_ONLY, "standardise"]
    assert lost == ["mcc:rate=1e30,steps=9"]
    assert any("is left out: mcc:rate=1e30,steps=9 diverged" in line for line in said)


@pytest.mark.parametrize("word", ["vae:steps=1,rate=1e30", "jdot:rate=1e10,steps=9"])
def test_what_overflows_on_its_way_is_left_out_too(word: str) -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    said: list[str] = []
    found, lost = try_methods(given, [SOURCE_ONLY, word, "standardise"], say=said.append)
    assert ([each.name for each in found], lost) == ([SOURCE_ONLY, "standardise"], [word])
    assert said[1].startswith(f"{word} is left out: {word} diverged")


def test_every_method_can_be_tried_where_a_class_is_one_row_again_and_again() -> None:
    rows = two_domains.two_classes(40, 0)
    still = np.array([[-1.0, 0.0], [1.0, 0.0]], np.float32)[rows.labels]
    given = two_domains.domains(Labelled(still, rows.labels), two_domains.moved(60))
    found, lost = try_methods(given, list(table.METHODS), say=lambda _: None)
    assert ([each.name for each in found], lost) == (list(table.METHODS), [])


class Spoils:
    """A method whose weights are fine and whose scale is not."""

    def adapt(self, domains: Domains) -> Adapted:
        scale = np.full_like(domains.start.scale, np.inf)
        return Adapted(domains.start, replace(domains.start, scale=scale))


def test_a_classifier_that_cannot_scale_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(table.METHODS, "mcc", Spoils)
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    assert try_methods(given, [SOURCE_ONLY, "mcc"], say=lambda _: None)[1] == ["mcc"]


def test_a_method_that_diverges_on_half_of_the_labelled_rows_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class RunsAway:
        """A method whose second answer is no finite number."""

        times = 0

        def adapt(self, domains: Domains) -> Adapted:
            type(self).times += 1
            if self.times == 2:
                raise NotFiniteError
            return Adapted(domains.start, domains.start)

    monkeypatch.setitem(table.METHODS, "mcc", RunsAway)
    target = two_domains.moved(200)
    given = two_domains.domains(two_domains.two_classes(200, 0), target)
    known = Known(lambda _: Labelled(target.features[:40], target.labels[:40]))
    said: list[str] = []
    names = [SOURCE_ONLY, "mcc", "standardise"]
    found, lost = try_methods(given, names, say=said.append, known=known)
    assert ([each.name for each in found], lost) == ([SOURCE_ONLY, "standardise"], ["mcc"])
    assert any("mcc is left out: mcc diverged" in line for line in said)
    RunsAway.times = 0
    with pytest.raises(DivergedError, match="mcc diverged"):
        try_methods(given, names[:2], say=said.append, known=known, alone=True)


class SaysOne:
    """A method that answers with one class, whatever it is asked."""

    def adapt(self, domains: Domains) -> Adapted:
        probe = replace(domains.start, bias=domains.start.bias + np.array([1000, 0], np.float32))
        return Adapted(probe, probe)


def test_labelled_target_rows_judge_and_drop_what_is_clearly_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(table.METHODS, "mcc", SaysOne)
    target = two_domains.moved(200)
    given = two_domains.domains(two_domains.two_classes(200, 0), target)
    known = Labelled(target.features[:40], target.labels[:40])
    said: list[str] = []
    found, _ = try_methods(
        given, [SOURCE_ONLY, "standardise"], say=said.append, known=Known(lambda _: known)
    )
    rights = [each.right for each in found]
    assert all(right is not None and len(right) == 40 for right in rights)
    assert "of 40 labelled target rows" in said[1]
    assert found[1].objections["mistaken"] == ""
    assert "labelled_accuracy" in found[1].selection()
    agreed = Labelled(known.features, given.start.logits(known.features).argmax(1))
    ones = int(agreed.labels.sum())
    assert ones > 4
    wrong = try_methods(
        given, [SOURCE_ONLY, "mcc"], say=said.append, known=Known(lambda _: agreed)
    )[0][1]
    told = f"it is right on {40 - ones} of 40 labelled target rows, source-only on 40"
    assert wrong.objections["mistaken"] == told
    once, _ = try_methods(
        given,
        [SOURCE_ONLY, "standardise"],
        say=said.append,
        known=Known(lambda _: known, once=True),
    )
    assert [len(each.right) for each in once if each.right is not None] == [20, 20]
    assert "of 20 labelled target rows" in said[-1]
