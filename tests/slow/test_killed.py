"""A run that was killed, or that the disk failed, is completed as if nothing had happened."""

import errno
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import tiny

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KILLED = -9
ERRORS = {"ENOSPC": (errno.ENOSPC, 1), "EIO": (errno.EIO, 0), "EACCES": (errno.EACCES, 0)}
"""By name: the number, and whether all operations from there on fail too."""
MOMENTS = (
    *(("draw_line", 1), ("draw_line", 2), ("freeze_blocks", 1), ("close_stretch", 2)),
    *(("save", 1), ("save", 2), ("_write", 2), ("evaluate", 1), ("evaluate", 2)),
    *(("consider", 2), ("_put_back", 1), ("save_model", 1)),
)
"""Functions, and which of their entries: phase changes, a freeze, checkpoints, validation."""
KINDS = (("text", False), ("image", False), ("text", True))
"""What a run sees, and whether what a frozen prefix makes of it is kept on the disk."""
ANYWHERE = 8
"""Further moments, anywhere in the run."""


@dataclass(frozen=True)
class Driver:
    """The process that forks, with the settings of a run, and whether it keeps a prefix."""

    process: "subprocess.Popen[str]"
    folder: Path
    settings: dict[str, Any]
    keeps: bool

    def order(self, verb: str, run: Path, **fault: Any) -> dict[str, int]:
        """Returns the exit code of a fit or a resume, with counts of operations and calls."""
        own = {"settings": self.settings, "keeps": self.keeps}
        words = {"verb": verb, "run": str(run), **own, **fault}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        answer: dict[str, int] = json.loads(self.process.stdout.readline())
        return answer

    def completed(self, run: Path) -> tuple[str, ...]:
        """Completes a run by whatever verb its folder asks for; returns its digests."""
        if (run / "result.json").exists():
            # It was complete before the fault, which hit the removal of its checkpoints.
            shutil.rmtree(run / "checkpoints", ignore_errors=True)
            return digests(run)
        verb = "resume" if begun(run) else "fit"
        if verb == "fit":
            shutil.rmtree(run, ignore_errors=True)
        assert self.order(verb, run)["code"] == 0
        return digests(run)


def begun(run: Path) -> bool:
    """Says whether a run can be gone on with."""
    return (run / "run.toml").exists() and (run / "run.toml").stat().st_size > 0


def digests(run: Path) -> tuple[str, ...]:
    """Returns what has to be equal: weights, answers, ledger, readings; nothing is left over."""
    names = sorted(path.name for path in run.iterdir())
    kept = ["log.jsonl", "model", "predictions-test.parquet", "report.html", "result.json"]
    assert names == [*kept, "rows-learnt.parquet", "run.toml"]
    freezing = json.loads((run / "result.json").read_text("utf-8"))["freezing"]
    assert freezing["proof"]["holds"]
    files = [run / "model" / "model.safetensors", run / "predictions-test.parquet"]
    content = [path.read_bytes() for path in files]
    told = [json.dumps(freezing[name]).encode() for name in ("ledger", "checks")]
    return tuple(hashlib.sha256(each).hexdigest() for each in (*content, *told))


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes file operations fail."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "disk_faults.so"
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "disk_faults.c")]
    subprocess.run([*words, "-ldl"], check=True)
    return library


@pytest.fixture(
    scope="module", params=KINDS, ids=[kind + ", kept" * keeps for kind, keeps in KINDS]
)
def driver(
    request: pytest.FixtureRequest,
    shim: Path,
    bert: Path,
    resnet: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Driver]:
    kind, keeps = request.param
    folder = tmp_path_factory.mktemp(kind)
    texts, labels = tiny.toy_texts(240)
    if kind == "text":
        data = tiny.write_csv(folder / "texts.csv", {"text": texts, "label": labels})
    else:
        data = tiny.image_folders(folder / "tiles", 240)
    settings = {
        "data": str(data),
        "backbone": str(bert if kind == "text" else resnet),
        **{"epochs": 2, "batch_size": 64, "lr": 5e-3, "baselines": False, "precision": "fp32"},
        **{"freeze_threshold": 0.5, "freeze_threshold_rule": "clock", "ema": 0.5},
        **({"freeze": "1", "augment": "none", "epochs": 3} if keeps else {}),
    }
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "REGRAFT_CACHE": str(folder / "warm" / "cache"),
        "REGRAFT_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "LD_PRELOAD": str(shim),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.slow.killing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=surroundings,
    ) as process:
        yield Driver(process, folder, settings, keeps)
        process.kill()


@pytest.fixture(scope="module")
def whole(driver: Driver) -> tuple[tuple[str, ...], dict[str, int]]:
    """The digests of the run that nothing happens to, with its counts."""
    first = driver.order("warm", driver.folder / "warm" / "run")  # the probe's verdict is stored
    assert first["code"] == 0
    moment = {"inside": "", "entry": 0, "call": 0}
    counts = driver.order("fit", driver.folder / "whole" / "run", moment=moment)
    assert counts["code"] == 0
    cache = json.loads((driver.folder / "whole" / "run" / "result.json").read_text("utf-8"))[
        "cache"
    ]
    assert any(each["pays"] for each in cache["worth"]) == driver.keeps
    assert digests(driver.folder / "whole" / "run") == digests(driver.folder / "warm" / "run")
    return digests(driver.folder / "whole" / "run"), counts


def test_killed_at_every_file_operation(
    driver: Driver, whole: tuple[tuple[str, ...], dict[str, int]]
) -> None:
    expected, counts = whole
    for at in range(1, counts["operations"] + 1):
        run = driver.folder / f"killed-{at}" / "run"
        assert driver.order("fit", run, disk={"at": at})["code"] == KILLED
        assert driver.completed(run) == expected, f"operation {at}"
        shutil.rmtree(run.parent)


@pytest.mark.parametrize("name", ERRORS)
def test_every_file_operation_fails(
    name: str, driver: Driver, whole: tuple[tuple[str, ...], dict[str, int]]
) -> None:
    """The run goes on without the file, or stops with a sentence and can be gone on with."""
    expected, counts = whole
    number, stays = ERRORS[name]
    for at in range(1, counts["operations"] + 1):
        run = driver.folder / f"{name}-{at}" / "run"
        fault = {"at": at, "error": number, "stays": stays}
        assert driver.order("fit", run, disk=fault)["code"] in (0, 3), f"operation {at}"
        assert driver.completed(run) == expected, f"operation {at}"
        shutil.rmtree(run.parent)


@pytest.mark.parametrize(("inside", "entry"), MOMENTS)
def test_killed_inside(
    inside: str, entry: int, driver: Driver, whole: tuple[tuple[str, ...], dict[str, int]]
) -> None:
    chance = random.Random(f"{inside} {entry}")
    run = driver.folder / f"{inside}-{entry}" / "run"
    moment = {"inside": inside, "entry": entry, "call": chance.randint(1, 4)}
    assert driver.order("fit", run, moment=moment)["code"] == KILLED
    assert driver.completed(run) == whole[0]


@pytest.mark.parametrize("number", range(ANYWHERE))
def test_killed_anywhere_and_again(
    number: int, driver: Driver, whole: tuple[tuple[str, ...], dict[str, int]]
) -> None:
    chance = random.Random(number)
    run = driver.folder / f"anywhere-{number}" / "run"
    for verb in ("fit", "resume"):
        call = chance.randint(1, whole[1]["calls"])
        moment = {"inside": "", "entry": 0, "call": call}
        if verb == "fit" or begun(run):
            driver.order(verb, run, moment=moment)
        if (run / "result.json").exists():
            break
    assert driver.completed(run) == whole[0]
