"""Tests that source-only changes nothing."""

from regraft.adaptation.source_only import SourceOnly
from tests import two_domains


def test_it_is_the_source_s_classifier_on_both_domains() -> None:
    given = two_domains.domains(two_domains.two_classes(40, 0), two_domains.moved(20))
    adapted = SourceOnly().adapt(given)
    assert adapted.on_source is given.start
    assert adapted.on_target is given.start
