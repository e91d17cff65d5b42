import json
import threading
from pathlib import Path

import pytest

from regraft.errors import SettingsError, StorageError
from regraft.features import segment as segment_module
from regraft.runs.fitting import folder as folder_module
from regraft.runs.fitting.folder import LOG, RESULT, RunFolder, check_free, claim, plain


def test_a_run_goes_where_it_was_told(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    assert claim(out, "data", strategy="head").path == out
    assert out.is_dir()


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    check_free(tmp_path / "run")
    claim(tmp_path / "run", "data", strategy="head")


@pytest.mark.parametrize("check", [check_free, lambda out: claim(out, "data", strategy="head")])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_place_that_is_taken_is_refused_and_a_free_one_named(
    tmp_path: Path, kind: str, check: object
) -> None:
    out = tmp_path / "run"
    if kind == "folder":
        out.mkdir()
    (out / "mine" if kind == "folder" else out).write_text("words")
    (tmp_path / "run-2").mkdir()
    assert callable(check)
    with pytest.raises(SettingsError, match=r"run exists already.*--out .*run-3"):
        check(out)


@pytest.mark.parametrize("check", [check_free, lambda out: claim(out, "data", strategy="head")])
def test_a_place_that_the_system_refuses_is_told(tmp_path: Path, check: object) -> None:
    assert callable(check)
    with pytest.raises(StorageError, match=r"cannot be made \(File name too long\)"):
        check(tmp_path / ("x" * 300))
    with pytest.raises(SettingsError, match=r"/dev/null exists already"):
        check(Path("/dev/null"))


def test_a_folder_is_claimed_by_one_only(tmp_path: Path) -> None:
    claims: list[str] = []
    barrier = threading.Barrier(8)

    def race() -> None:
        barrier.wait()
        try:
            claim(tmp_path / "run", "data", strategy="head")
            claims.append("won")
        except SettingsError:
            claims.append("lost")

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claims) == ["lost"] * 7 + ["won"]


def test_without_a_place_runs_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    places = [claim(None, "my data/第 1", strategy="a:B").path for _ in range(3)]
    names = [place.name for place in places]
    assert names == [f"my-data-第-1-a-B-00{n}" for n in (1, 2, 3)]
    assert places[0].parent == Path("runs")


def test_a_name_without_letters_still_names_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert claim(None, "../..", strategy="head").path == Path("runs/run-head-001")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be made"):
        claim(tmp_path / "file" / "run", "data", strategy="head")


def test_a_file_appears_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write("run.toml", "a = 'ü'\n")
    assert (tmp_path / "run.toml").read_text("utf-8") == "a = 'ü'\n"
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.txt cannot be written \(No such file"):
        RunFolder(tmp_path / "gone").write("a.txt", "words")
    with pytest.raises(StorageError, match=r"log\.jsonl cannot be written"):
        RunFolder(tmp_path / "gone").log("start", {})


def test_the_log_grows_by_lines(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.log("start", {"rows": 3})
    folder.log("epoch", {"loss": float("inf")})
    first, second = map(json.loads, (tmp_path / LOG).read_text().splitlines())
    assert (first["event"], first["rows"]) == ("start", 3)
    assert second["loss"] is None
    assert first["time"] <= second["time"]


def test_the_result_is_json_even_where_a_number_is_none(tmp_path: Path) -> None:
    RunFolder(tmp_path).finish({"loss": float("nan"), "名": ["é", (1, 2.5)]})
    text = (tmp_path / RESULT).read_text("utf-8")
    assert json.loads(text) == {"loss": None, "名": ["é", [1, 2.5]]}
    assert "名" in text


def test_what_is_discarded_is_gone(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", "data", strategy="head")
    folder.write("a", "b")
    folder.discard()
    assert list(tmp_path.iterdir()) == []


def test_of_a_folder_of_the_user_s_own_goes_what_the_run_wrote_and_nothing_else(
    tmp_path: Path,
) -> None:
    run = tmp_path / "run"
    run.mkdir(mode=0o750)
    before = run.stat()
    folder = claim(run, "data", strategy="head")
    folder.begin("a = 1\n")
    folder.write("report.html.tmp", "half")
    for name in ("checkpoints/deep", "model", "model.building"):
        (run / name).mkdir()
    (run / "mine").write_text("put there while the run went on")
    folder.discard()
    assert [path.name for path in run.iterdir()] == ["mine"]
    after = run.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_a_link_to_a_folder_is_left_and_its_folder_emptied(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "there")
    folder = claim(tmp_path / "run", "data", strategy="head")
    folder.begin("a = 1\n")
    folder.discard()
    assert (tmp_path / "run").is_symlink()
    assert list((tmp_path / "there").iterdir()) == []


def test_a_run_that_began_has_settings_and_room_for_checkpoints(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", "data", strategy="head")
    assert not folder.begun
    folder.begin("a = 1\n")
    assert folder.begun
    assert sorted(path.name for path in folder.path.iterdir()) == ["checkpoints", "run.toml"]
    with pytest.raises(StorageError, match="checkpoints cannot be written"):
        RunFolder(tmp_path / "gone").begin("a = 1\n")


def test_a_file_that_fails_halfway_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "settle", full)
    with pytest.raises(StorageError, match="No space left"):
        RunFolder(tmp_path).write("a.txt", "words")
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_its_folder_are_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[Path] = []
    monkeypatch.setattr(folder_module, "settle", settled.append)
    RunFolder(tmp_path).write("a.txt", "words")
    assert settled == [tmp_path / "a.txt.tmp", tmp_path]


def test_plain_data_stay_as_they_are() -> None:
    value = {"a": [1, "b", None, True, 0.5]}
    assert plain(value) == value


def test_a_name_that_is_not_unicode_does_not_stop_a_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.finish({"image": "caf\udce9.png"})
    folder.log("start", {"data": "caf\udce9"})
    assert json.loads((tmp_path / "result.json").read_text("utf-8")) == {"image": "caf?.png"}
    assert "caf?" in (tmp_path / "log.jsonl").read_text("utf-8")


def test_seconds_of_processes_that_were_stopped_are_added_up(tmp_path: Path) -> None:
    folder = claim(tmp_path / "run", "data", strategy="head")
    assert folder.spent() == 0.0
    lines = [(10, "start"), (14, "epoch"), (100, "start"), (101, "say"), (107.5, "epoch")]
    told = [json.dumps({"time": at, "event": event}) for at, event in lines]
    (folder.path / LOG).write_text("\n".join([*told, '{"time": 2']))
    assert folder.spent() == pytest.approx(4 + 7.5)


def test_what_a_process_did_before_it_could_log_counts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    lines = [{"time": 10, "event": "start", "before": 3.5}, {"time": 12, "event": "alive"}]
    (folder.path / LOG).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert folder.spent() == pytest.approx(3.5 + 2)


def test_a_line_that_was_cut_short_takes_none_with_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / LOG).write_text('{"time": 10, "event": "start"}\n{"time": 12, "ev')
    folder.log("start", {"rows": 3})
    folder.log("say", {"words": "on"})
    cut, first, second = (tmp_path / LOG).read_text().splitlines()[1:]
    assert cut == '{"time": 12, "ev'
    assert [json.loads(line)["event"] for line in (first, second)] == ["start", "say"]
    assert folder.spent() < 1  # of the first process nothing is known, and no pause counts


@pytest.mark.parametrize("out", ["", ".", "..", "/"])
def test_a_place_without_a_name_is_refused_with_a_free_one_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine").write_text("words")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(SettingsError, match=r"exists already.*--out .*run-2"):
        check_free(Path(out))


def test_one_process_at_a_time_works_on_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    monkeypatch.setattr(folder_module, "holder", lambda place: 4242)
    with folder.alone():
        assert list(tmp_path.iterdir()) == []  # nothing tells of it
        with (
            pytest.raises(SettingsError, match=r"by another process \(pid 4242\); try waiting"),
            RunFolder(tmp_path).alone(),
        ):
            pass
    with folder.alone():
        folder.discard()


def test_where_nothing_can_be_held_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder(tmp_path / "gone").alone(), RunFolder(tmp_path / "gone").alone():
        pass
    monkeypatch.setattr(segment_module, "fcntl", None)
    with RunFolder(tmp_path).alone(), RunFolder(tmp_path).alone():
        pass
