"""Tests that columns are found by name, then by content, and that ties are refused."""

from pathlib import Path

import pyarrow as pa
import pytest

from regraft.data.guess import Roles, guess_roles, refuse_odd_parts, used_columns
from regraft.data.reading.tables import Table, from_frame
from regraft.data.rows import Modality
from regraft.errors import DataError

_LONG = [f"a rather long sentence, number {n}" for n in range(20)]
_OTHER = [f"quite another long sentence, {n}" for n in range(20)]
_FEW = ["yes", "no"] * 10
_OURS = ["one", "two", "three", "four"] * 5


def _table(**columns: list[str] | list[bytes]) -> Table:
    return from_frame(pa.table(columns), "reviews")


def _guess(table: Table, asked: Roles = Roles(), need_label: bool = True) -> Roles:  # noqa: B008
    return guess_roles(table, asked, need_label=need_label)[0]


@pytest.mark.parametrize(
    ("text", "label"),
    [("Review", "CLASS"), ("review text", "y"), ("评论", "标签"), ("body", "stars")],
)
def test_names_decide_first(text: str, label: str) -> None:
    table = from_frame(pa.table({"other": _OTHER, label: _FEW, text: _LONG}), "t")
    roles, reasons = guess_roles(table, Roles(), need_label=True)
    assert (roles.text, roles.label) == (text, label)
    assert reasons[0] == f"column '{text}' holds the texts: its name says so"


def test_content_decides_where_names_say_nothing() -> None:
    roles, reasons = guess_roles(_table(a=_FEW, b=_LONG), Roles(), need_label=True)
    assert (roles.text, roles.label) == ("b", "a")
    assert "long and differ" in reasons[0]
    assert reasons[1] == "column 'a' holds the labels: it has only 2 different values"


def test_a_strong_name_beats_a_weak_one() -> None:
    assert _guess(_table(title=_OTHER, review=_LONG, label=_FEW)).text == "review"


@pytest.mark.parametrize(
    ("columns", "flags"),
    [
        ({"text": _LONG, "review": _OTHER, "label": _FEW}, "--text text or --text review"),
        ({"a": _LONG, "b": _OTHER, "label": _FEW}, "--text a or --text b"),
        ({"text": _LONG, "label": _FEW, "class": _OURS}, "--label label or --label class"),
        ({"text": _LONG, "a": _FEW, "b": _OURS}, "--label a or --label b"),
    ],
)
def test_a_tie_names_the_columns_and_the_flags(columns: dict[str, list[str]], flags: str) -> None:
    with pytest.raises(DataError) as caught:
        _guess(_table(**columns))
    assert caught.value.hint == flags


def test_chinese_names_beside_longer_texts_are_no_tie() -> None:
    shops = [f"老张面馆第{n}分店" for n in range(20)]
    said = [f"这家店的面条很好吃、下次还会再来的、第{n}次" for n in range(20)]
    assert _guess(_table(店铺名称=shops, 用户反馈=said, 类别=_FEW)).text == "用户反馈"
    assert _guess(_table(店铺名称=shops, 类别=_FEW)).text == "店铺名称"


def test_a_tie_is_settled_by_the_flag() -> None:
    table = _table(text=_LONG, review=_OTHER, label=_FEW)
    assert _guess(table, Roles(text="review")).text == "review"


def test_pictures_beside_texts_are_a_tie_unless_the_kind_is_known() -> None:
    table = _table(image=[b"x"] * 20, text=_LONG, label=_FEW)
    with pytest.raises(DataError, match="--image image or --text text"):
        _guess(table)
    kinds: tuple[Modality, ...] = ("text", "image")
    for modality in kinds:
        roles, _ = guess_roles(table, Roles(), need_label=True, modality=modality)
        assert used_columns(roles) == {modality: modality, "label": "label"}


def test_paths_of_files_that_exist_are_images(tmp_path: Path) -> None:
    (tmp_path / "0.png").touch()
    frame = pa.table({"where": [f"{n}.png" for n in range(20)], "label": _FEW})
    roles, reasons = guess_roles(from_frame(frame, "t", folder=tmp_path), Roles(), need_label=True)
    assert (roles.image, roles.text) == ("where", None)
    assert "its cells are files" in reasons[0]


@pytest.mark.parametrize("modality", [None, "image"])
def test_paths_of_pictures_that_lead_nowhere_are_named_whole(
    tmp_path: Path, modality: Modality | None
) -> None:
    frame = pa.table({"image": [f" pics/{n}.png" for n in range(20)], "label": _FEW})
    table = from_frame(frame, "t", folder=tmp_path)
    said = rf"no file '{tmp_path}/pics/0\.png', nor at any other of the first 20"
    with pytest.raises(DataError, match=said):
        guess_roles(table, Roles(), need_label=True, modality=modality)
    with pytest.raises(DataError, match="looks like the texts"):
        guess_roles(table, Roles(), need_label=True, modality="text")
    (tmp_path / "pics").mkdir()
    (tmp_path / "pics" / "19.png").touch()
    roles, _ = guess_roles(table, Roles(), need_label=True, modality=modality)
    assert roles.image == "image"


def test_a_missing_column_names_the_nearest_and_all() -> None:
    with pytest.raises(DataError) as caught:
        _guess(_table(text=_LONG, label=_FEW), Roles(text="txet"))
    assert str(caught.value) == (
        "reviews has no column 'txet'; expected one of text, label; try --text text"
    )


@pytest.mark.parametrize("role", ["text", "label", "domain", "split", "group"])
def test_a_column_of_pictures_can_be_nothing_but_the_images(role: str) -> None:
    table = _table(Pic=[b"x"] * 20, label=_FEW)
    with pytest.raises(DataError, match=r"column 'Pic' of reviews holds pictures, not .* --image"):
        _guess(table, Roles(**{role: "pic"}))
    roles, _ = guess_roles(table, Roles(), need_label=True, learnt={role: "Pic"})
    assert roles == Roles(image="Pic", label="label")


def test_an_asked_name_may_differ_in_blanks_and_case() -> None:
    assert _guess(_table(Text=_LONG, label=_FEW), Roles(text=" text")).text == "Text"


def test_both_kinds_of_input_cannot_be_asked_for() -> None:
    with pytest.raises(DataError, match="both a text column and an image column"):
        _guess(_table(a=_LONG, b=_OTHER), Roles(text="a", image="b"))


def test_missing_labels_name_the_columns_there_are() -> None:
    with pytest.raises(DataError, match="no column of reviews looks like the labels"):
        _guess(_table(text=_LONG))


def test_numbers_of_rows_are_not_offered_as_labels() -> None:
    rows = [str(number) for number in range(20)]
    kinds = [*(str(number) for number in range(15)), *"01234"]  # too many to be sure of
    for more, hint in (({}, "adding such a column"), ({"kind": kinds}, "--label kind")):
        with pytest.raises(DataError) as caught:
            _guess(_table(id=rows, text=_LONG, **more))
        assert caught.value.hint == hint


def test_a_column_that_was_typed_for_parts_and_has_none_is_told_before_the_labels() -> None:
    with pytest.raises(DataError, match=r"has 'yes' in column 'label'.* no --split"):
        _guess(_table(text=_LONG, label=_FEW), Roles(split="label"))


def test_a_first_line_that_is_a_row_is_suspected() -> None:
    table = from_frame(
        pa.table({"this film was a great joy from end to end": _LONG, "1": _FEW}), "t"
    )
    with pytest.raises(DataError, match="is its first line a row"):
        _guess(table, Roles(text="1"))


def test_labels_that_are_not_needed_are_found_by_name_only() -> None:
    assert _guess(_table(text=_LONG, label=_FEW), need_label=False).label == "label"
    assert _guess(_table(text=_LONG, a=_FEW), need_label=False).label is None
    tied = _table(**{"text": _LONG, "label": _FEW, "class": _OURS})
    assert _guess(tied, need_label=False).label is None


def test_the_only_column_is_the_texts_however_short() -> None:
    assert _guess(_table(a=["ok", "no"]), need_label=False).text == "a"


def test_domains_parts_and_groups_are_found_by_name() -> None:
    parts = ["train", "test"] * 10
    roles = _guess(_table(text=_LONG, label=_FEW, domain=_OURS, split=parts, group=_OURS))
    assert (roles.domain, roles.split, roles.group) == ("domain", "split", "group")
    assert _guess(_table(text=_LONG, label=_FEW, split=_OURS)).split is None


def test_two_columns_of_parts_or_of_groups_are_a_tie_where_rows_are_learnt_from() -> None:
    parts = ["train", "test"] * 10
    both = _table(text=_LONG, label=_FEW, group=_OURS, group_id=_FEW)
    with pytest.raises(DataError, match=r"hold the groups.*--group group or --group group_id"):
        _guess(both)
    assert _guess(both, Roles(group="group_id")).group == "group_id"
    assert _guess(both, need_label=False).group is None
    with pytest.raises(DataError, match="--split split or --split subset"):
        _guess(_table(text=_LONG, label=_FEW, split=parts, subset=parts[::-1]))
    assert _guess(_table(text=_LONG, label=_FEW, domain=_OURS, domains=_FEW)).domain is None


def test_a_column_of_parts_with_an_odd_cell_is_refused_unless_it_has_another_role() -> None:
    parts = [*["train", "test"] * 9, "train", ""]
    table = _table(text=_LONG, label=_FEW, split=parts)
    with pytest.raises(DataError, match=r"reviews:20 has '' in column 'split'.*renaming"):
        _guess(table)
    assert _guess(table, Roles(group="split")).group == "split"
    assert _guess(table, need_label=False).split is None
    whole = ["train", "test"] * 10
    assert _guess(_table(text=_LONG, label=_FEW, split=parts, subset=whole)).split == "subset"


def test_a_column_of_parts_is_never_the_labels_by_its_content() -> None:
    parts = ["train", "test"] * 10
    assert _guess(_table(text=_LONG, verdict=_FEW, split=parts)).label == "verdict"
    with pytest.raises(DataError, match=r"looks like the labels.*; try adding such a column"):
        _guess(_table(text=_LONG, author=[f"a{n}" for n in range(20)], split=parts))


def test_what_the_reader_knows_is_taken_unless_something_else_is_asked_for() -> None:
    table = _table(a=_LONG, b=_OTHER, c=_FEW, d=_OURS)
    object.__setattr__(table, "known", {"text": "a", "label": "c"})
    assert guess_roles(table, Roles(), need_label=True) == (Roles(text="a", label="c"), ())
    assert _guess(table, Roles(text="b", label="d")) == Roles(text="b", label="d")


def _guess_with(table: Table, learnt: dict[str, str], asked: Roles = Roles()) -> Roles:  # noqa: B008
    return guess_roles(table, asked, need_label=False, modality="text", learnt=learnt)[0]


def test_columns_of_a_run_come_before_names_and_after_what_was_asked_for() -> None:
    table = _table(text=_LONG, remark=_OTHER, label=_FEW, verdict=_FEW)
    learnt = {"text": "remark", "label": "verdict"}
    assert _guess_with(table, learnt) == Roles(text="remark", label="verdict")
    assert _guess_with(table, learnt, Roles(text="text")).text == "text"


def test_columns_of_a_run_that_the_table_lacks_or_that_are_images_are_passed_over() -> None:
    table = _table(text=_LONG, label=_FEW, file=_OTHER)
    learnt = {"image": "file", "label": "verdict"}
    assert _guess_with(table, learnt) == Roles(text="text", label="label")


def test_a_column_of_parts_with_an_odd_cell_is_refused_by_its_name_or_that_of_the_run() -> None:
    odd, whole = [*["train", "test"] * 9, "train", "tset"], ["train", "test"] * 10
    learnt = {"split": "fold"}
    for name in ("fold", "split"):
        with pytest.raises(DataError, match=f"reviews:20 has 'tset' in column '{name}'.* so on"):
            refuse_odd_parts(_table(**{name: odd}), {}, learnt=learnt, then="so on")
    refuse_odd_parts(_table(fold=odd), {}, learnt={}, then="so on")
    refuse_odd_parts(_table(fold=odd), {"group": "fold"}, learnt=learnt, then="so on")
    refuse_odd_parts(_table(fold=odd, a=whole), {"split": "a"}, learnt=learnt, then="so on")
    refuse_odd_parts(_table(split=[""] * 20), {}, learnt=learnt, then="so on")


def test_a_column_of_parts_of_a_run_must_hold_parts_again() -> None:
    parts = ["train", "test"] * 10
    assert _guess_with(_table(text=_LONG, fold=parts), {"split": "fold"}).split == "fold"
    assert _guess_with(_table(text=_LONG, fold=_FEW), {"split": "fold"}).split is None


def test_a_column_called_for_parts_that_has_none_is_not_passed_over_in_silence() -> None:
    table = _table(text=_LONG, label=_FEW, split=["Train set", "Test set"] * 10)
    _, reasons = guess_roles(table, Roles(), need_label=True)
    assert reasons[-1] == "column 'split' is not used: 'Train set' is none of train, val, test"
    _, reasons = guess_roles(table, Roles(group="split"), need_label=True)
    assert not any("not used" in reason for reason in reasons)


def test_parts_may_have_chinese_names() -> None:
    parts = ["训练集", "验证", "测试集", "训练"] * 5
    assert _guess(_table(text=_LONG, label=_FEW, 划分=parts)).split == "划分"
