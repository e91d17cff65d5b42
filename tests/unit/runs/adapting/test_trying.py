"""Tests that methods are tried in order, judged, and told one a line."""

from regraft.adaptation.table import SOURCE_ONLY
from regraft.runs.adapting.trying import method_words, try_methods
from tests import two_domains


def test_each_method_is_tried_and_told() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    said: list[str] = []
    names = [SOURCE_ONLY, "standardise", "coral-recolour"]
    found = try_methods(given, names, say=said.append)
    assert [each.name for each in found] == names
    assert [line.partition(":")[0] for line in said] == names
    assert found[0].objections == {}
    assert set(found[1].objections) == {"narrow", "empty_class", "stranger", "forgetful", "one_way"}
    assert all(each.seconds >= 0 for each in found)


def test_a_dropped_method_is_told_with_the_reason() -> None:
    given = two_domains.domains(two_domains.two_classes(200, 0), two_domains.moved(100))
    start, other = try_methods(given, [SOURCE_ONLY, "standardise"], say=lambda _: None)
    dropped = type(other)(other.name, other.adapted, other.signs, objections={"a": "it is narrow"})
    assert "; dropped, as it is narrow (" in method_words(dropped)
    assert "dropped" not in method_words(start)
