"""Makes the environment in which the peers run: `python bench/peers/make_venv.py [FOLDER]`.

Run it with the project's own interpreter. torch, transformers, timm and scikit-learn are not
installed again: a `.pth` file lets the new environment see the project's packages behind its
own. So the peers run on the very same torch, transformers and timm as regraft, at the versions
of constraints.txt, and a difference in time is none of libraries. regraft itself, installed as
editable, is not seen: no peer can use it by mistake.
"""

import argparse
import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

PEERS = Path(__file__).resolve().parent
CONSTRAINTS = PEERS.parent.parent / "constraints.txt"
# The newest that accept the torch, transformers and accelerate of constraints.txt as they are.
PACKAGES = ("sentence-transformers==6.2.0", "setfit==1.2.0", "fastai==2.8.12", "accelerate>=1.10")
SHOWN = ("torch", "transformers", "accelerate", "timm", "scikit-learn", "sentence-transformers")
LOOK = """
import importlib, json, sys
from importlib.metadata import version
for name in ("transformers", "accelerate", "sentence_transformers", "setfit", "timm",
             "fastai.vision.all"):
    importlib.import_module(name)
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def make(folder: Path) -> Path:
    """Returns the interpreter of the environment, made or brought up to date."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not python.exists():
        venv.EnvBuilder(with_pip=False, symlinks=sys.platform != "win32").create(folder)
    variables = {"base": str(folder), "platbase": str(folder)}
    own = Path(sysconfig.get_path("purelib", scheme="venv", vars=variables))
    (own / "project.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*words, "-c", str(CONSTRAINTS), *PACKAGES], check=True)
    return python


def main() -> None:
    """Prints one JSON document: the interpreter and the versions it sees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PEERS / ".venv")
    python = make(parser.parse_args().folder.absolute())
    done = subprocess.run(
        [str(python), "-W", "ignore", "-c", LOOK, *SHOWN, "setfit", "fastai"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(json.dumps({"python": str(python), "versions": json.loads(done.stdout)}))


if __name__ == "__main__":
    main()
