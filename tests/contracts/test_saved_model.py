"""A saved model is the same model in another process."""

import json
import subprocess
import sys
from pathlib import Path

from regraft.serving.replay import REPLAYED
from regraft.serving.store import save_model
from tests import tiny

CODE = """
import json, sys
from pathlib import Path
from regraft import load
from regraft.serving.replay import replay
run = Path(sys.argv[1])
model = load(run)
print(json.dumps([replay(run / "model", model), model.classes]))
"""


def test_a_fresh_process_replays_the_stored_inputs_and_names_the_same_classes(
    bert: Path, tmp_path: Path
) -> None:
    classes = ("no ✗", "yes\n")
    model = tiny.model(bert, classes)
    examples = tiny.toy_texts(REPLAYED)[0]
    save_model(tmp_path / "model", model, head="linear", examples=examples)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    difference, found = json.loads(done.stdout)
    assert difference <= 1e-5
    assert tuple(found) == classes
