"""Makes the environment of peers of adaptation, on top of the one that runs this script.

torch and what else is here already is not fetched again: a `.pth` file names its folder.
The peers want older versions of some of it, so their requirements are not followed.
"""

import argparse
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
PEERS = ("pytorch-adapt==0.0.83", "skada==0.6.0", "POT==0.9.7.post1")
NEEDED = (
    *("pytorch-metric-learning==2.9.0", "torchmetrics", "lightning-utilities", "skorch"),
    *("tabulate", "pytorch-ignite"),
)


def main() -> None:
    """Makes the environment and says whether the peers can be imported."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--place", type=Path, default=BENCH / ".venv")
    place = parser.parse_args().place
    venv.create(place, with_pip=True)
    python = place / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    here = sysconfig.get_paths()["purelib"]
    (packages / "beside.pth").write_text(f"{here}\n", encoding="utf-8")
    words = ["-m", "pip", "install", "--no-deps", *PEERS, *NEEDED]
    subprocess.run([python, *words], check=True)
    test = "import pytorch_adapt.layers, pytorch_adapt.hooks, skada.deep, ot"
    sys.exit(subprocess.run([python, "-W", "ignore", "-c", test], check=False).returncode)


if __name__ == "__main__":
    main()
