"""An adaptation whose process was killed is completed by `resume` to the same bytes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from regraft.runs.adapt import run_adapt
from regraft.runs.moving import training as moving
from regraft.runs.resume import resume
from regraft.settings import AdaptSettings
from regraft.training import steps as steps_module
from regraft.training.keeping.keeper import Keeper
from regraft.training.progress import Silent
from tests import tiny

ROOT = Path(__file__).resolve().parents[2]
METHODS = (("text", "dann:position=2"), ("image", "mcc"), ("text", "pseudo"))
STEPS = (5, 20)
"""In the source's training, and in the method's."""


def digests(run: Path) -> tuple[str, str]:
    ledger = json.loads((run / "result.json").read_text("utf-8"))["freezing"]["ledger"]
    written = (run / "model" / "model.safetensors").read_bytes()
    return hashlib.sha256(written).hexdigest(), json.dumps(ledger)


def prefer_what_moved() -> None:
    """Lets guards pass what moved, whatever a toy shows."""
    from dataclasses import replace

    real = moving.held_to

    def held_to(start: Any, name: str, *, own: Any) -> Any:
        return replace(real(start, name, own=own), objections={})

    setattr(moving, "held_to", held_to)  # noqa: B010 - a stand-in of another type


def adapted(words: dict[str, Any], *, at: int) -> None:
    """Adapts with a checkpoint after every step, and kills this process before one of them."""
    prefer_what_moved()
    real, seen = steps_module._step, [0]

    def killed(*given: Any) -> Any:
        seen[0] += 1
        if seen[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*given)

    setattr(steps_module, "_step", killed)  # noqa: B010 - likewise
    Keeper.due = property(lambda self: True)  # type: ignore[assignment]
    run_adapt(AdaptSettings.model_validate(words), Silent(), report=False)


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_killed_in_either_training(
    kind: str, method: str, bert: Path, resnet: Path, tmp_path: Path
) -> None:
    if kind == "text":
        texts, labels = tiny.toy_texts(240)
        data = tiny.write_csv(tmp_path / "source.csv", {"text": texts, "label": labels})
        target = tiny.write_csv(tmp_path / "target.csv", {"text": tiny.texts_elsewhere(60)[0]})
    else:
        data = tiny.image_folders(tmp_path / "source", 240)
        target = tiny.dim_folders(tmp_path / "target", 60)
    words = {
        **{"data": str(data), "target": str(target), "method": method, "epochs": 2.0, "lr": 2e-3},
        **{"backbone": str(bert if kind == "text" else resnet), "baselines": False},
        **{"precision": "fp32", "freeze": "1"},
    }
    surroundings = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    for step in (0, *STEPS):
        given = json.dumps({**words, "out": str(tmp_path / f"killed-{step}")})
        ended = subprocess.run(
            [sys.executable, "-m", "tests.slow.test_adaptation_killed", given, str(step)],
            cwd=ROOT,
            env=surroundings,
            check=False,
        )
        assert ended.returncode == (-signal.SIGKILL if step else 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moving, "held_to", moving.held_to)
        prefer_what_moved()
        for step in STEPS:
            resume(tmp_path / f"killed-{step}")
            assert digests(tmp_path / f"killed-{step}") == digests(tmp_path / "killed-0")


if __name__ == "__main__":
    adapted(json.loads(sys.argv[1]), at=int(sys.argv[2]))
