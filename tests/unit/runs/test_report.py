from pathlib import Path

import pytest

from regraft.errors import DamagedFileError, DataError
from regraft.runs.report import read_result, run_report


def test_the_report_is_drawn_again_from_the_result(text_run: Path, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes((text_run / "result.json").read_bytes())
    path = run_report(tmp_path)
    assert path == tmp_path / "report.html"
    assert "two-stage" in path.read_text("utf-8")


def test_the_result_is_read_as_it_was_written(text_run: Path) -> None:
    assert read_result(text_run)["strategy"] == "two-stage"


def test_a_folder_without_result_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no complete run"):
        run_report(tmp_path)


def test_a_file_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("words")
    with pytest.raises(DataError, match="is no complete run"):
        run_report(tmp_path / "run")


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"3"])
def test_a_damaged_result_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_result(tmp_path)


def test_a_comparison_is_told_to_have_a_page(tmp_path: Path) -> None:
    (tmp_path / "compare.toml").touch()
    with pytest.raises(DataError, match=r"is a comparison.*compare\.html"):
        run_report(tmp_path)
