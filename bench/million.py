"""Measures the memory and time of a head-only fit on more and more short texts.

The texts are those of SST-2, repeated with changes. Each fit is a process of its own with a
cache of its own; its anonymous memory (mapped files are not counted) is read all the while.
With `--width` the network is a random one of a single layer, so that what is measured is the
way of the rows and not the arithmetic of the trunk.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from regraft.machine import processor_name

BENCH = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("REGRAFT_SHARED", BENCH.parent.parent / "shared"))
TEXTS = SHARED / "data" / "text" / "sst2-train.parquet"
ROWS = (20_000, 100_000, 1_000_000)
BLOCK = 50_000
"""Rows of the table that are made at once."""
WORDS = 4_000
"""Words that the random network knows."""
PAUSE = 0.02
"""Seconds between two readings of the memory."""
Trial = dict[str, Any]


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=ROWS)
    parser.add_argument("--backbone", default="starter:minilm")
    parser.add_argument("--width", type=int, help="of a random network, instead of --backbone")
    parser.add_argument("--suffix", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--trials", type=Path, default=BENCH / "million.jsonl")
    parser.add_argument("--timeline", action="store_true", help="print the memory second by second")
    return parser.parse_args()


def changed(text: str, turn: int) -> str:
    """Returns a text as it stands in a later turn: one word left out, a number added."""
    words = text.split()
    if turn and len(words) > 2:
        del words[turn % len(words)]
    return " ".join([*words, str(turn)] if turn else words)


def blocks(rows: int) -> Iterator[pa.Table]:
    """Yields the table of so many texts, some at a time."""
    known = pq.read_table(TEXTS, columns=["text", "label"])
    texts, labels = (known.column(name).to_pylist() for name in ("text", "label"))
    for start in range(0, rows, BLOCK):
        places = [divmod(row, len(texts)) for row in range(start, min(start + BLOCK, rows))]
        columns = {
            "text": [changed(texts[place], turn) for turn, place in places],
            "label": [labels[place] for _, place in places],
        }
        yield pa.table(columns)


def write_table(path: Path, rows: int) -> None:
    """Writes so many texts with their labels, as Parquet or CSV."""
    schema = pa.schema({"text": pa.string(), "label": pa.string()})
    kind = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with kind(path, schema) as writer:
        for block in blocks(rows):
            writer.write_table(block)


def random_network(folder: Path, width: int) -> Path:
    """Writes a random text network of one layer that knows the commonest words."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    texts = pq.read_table(TEXTS, columns=["text"]).column("text").to_pylist()
    common = Counter(word for text in texts for word in text.split()).most_common(WORDS)
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(word for word, _ in common)]
    known = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    config = transformers.BertConfig(
        vocab_size=len(known),
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def own_cache(folder: Path) -> Path:
    """Makes a cache that has the starters and no features."""
    real = Path(os.environ.get("REGRAFT_CACHE", Path.home() / ".cache" / "regraft"))
    folder.mkdir()
    for path in real.glob("*") if real.is_dir() else ():
        if path.name != "features":
            (folder / path.name).symlink_to(path.resolve())
    return folder


def anonymous(process: int) -> int:
    """Returns the bytes of anonymous memory of a process that is resident; 0 if it is over."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("RssAnon:")]
    return 1024 * int(lines[0][1]) if lines else 0


def watched(
    words: list[str], environment: dict[str, str], timeline: bool
) -> tuple[int, float, float]:
    """Returns the largest anonymous memory of a command in bytes, its seconds and the CPU's."""
    started, before, most, shown = time.perf_counter(), cpu_seconds(), 0, -1
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            now = anonymous(process.pid)
            most = max(most, now)
            second = int(time.perf_counter() - started)
            if timeline and second > shown:
                shown = second
                print(
                    f"  {second:4d} s  {now / 1e6:7.0f} MB, at most {most / 1e6:7.0f}", flush=True
                )
            time.sleep(PAUSE)
    if process.returncode:
        raise SystemExit(f"regraft fit ended with {process.returncode}")
    return most, time.perf_counter() - started, cpu_seconds() - before


def cpu_seconds() -> float:
    """Returns the seconds that the commands so far have computed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(rows: int, typed: argparse.Namespace) -> Trial:
    """Returns what a fit on so many texts took."""
    with tempfile.TemporaryDirectory(prefix="regraft-million-") as folder:
        place = Path(folder)
        table = place / f"texts.{typed.suffix}"
        write_table(table, rows)
        network = typed.backbone
        if typed.width:
            network = str(random_network(place / "network", typed.width))
        environment = {**os.environ, "REGRAFT_CACHE": str(own_cache(place / "cache"))}
        words = [sys.executable, "-m", "regraft", "fit", str(table), "--strategy", "head"]
        words += ["--no-baselines", "--backbone", network, "--out", str(place / "run")]
        most, seconds, computed = watched(words, environment, typed.timeline)
        result = json.loads((place / "run" / "result.json").read_text("utf-8"))
    return {
        "rows": rows,
        **kind_of(typed),
        "anonymous_mb": round(most / 1e6, 1),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(computed, 1),
        "accuracy": result["scores"]["test"]["accuracy"]["value"],
        "parts": result["seconds"],
        "processor": processor_name(),
        "threads": result["environment"]["threads"],
    }


def kind_of(typed: argparse.Namespace) -> dict[str, str]:
    """Returns what two trials must share to be compared."""
    network = f"random, {typed.width} wide" if typed.width else typed.backbone
    return {"backbone": network, "table": typed.suffix}


def comparable(trials: list[Trial], typed: argparse.Namespace) -> list[Trial]:
    """Returns the trials of this machine on the network and the kind of table that were typed."""
    here = {**kind_of(typed), "processor": processor_name()}
    return [trial for trial in trials if here.items() <= trial.items()]


def table(trials: list[Trial]) -> str:
    """Returns the lines of a table: each count of rows beside the one before it.

    The exponent is that of the seconds; on a busy machine that of the CPU's seconds says more.
    """
    heads = ("rows", "anonymous MB", "times", "seconds", "exponent", "CPU seconds", "exponent")
    lines = ["  ".join(f"{head:>12}" for head in heads)]
    before: Trial | None = None
    for trial in sorted(trials, key=lambda each: each["rows"]):
        times = f"{trial['anonymous_mb'] / before['anonymous_mb']:.2f}" if before else ""
        cells = [f"{trial['rows']:,}", f"{trial['anonymous_mb']:.0f}", times]
        for name in ("seconds", "cpu_seconds"):
            cells += [f"{trial[name]:.1f}", exponent(trial, before, name) if before else ""]
        lines.append("  ".join(f"{cell:>12}" for cell in cells))
        before = trial
    return "\n".join(lines)


def exponent(trial: Trial, before: Trial, name: str) -> str:
    """Returns the power of the rows with which a figure grows."""
    longer = math.log(trial[name] / before[name])
    return f"{longer / math.log(trial['rows'] / before['rows']):.2f}"


def main() -> None:
    """Runs what is missing and prints the table."""
    typed = arguments()
    written = typed.trials.read_text("utf-8").splitlines() if typed.trials.exists() else []
    known = comparable([json.loads(line) for line in written], typed)
    for rows in typed.rows:
        if rows not in {trial["rows"] for trial in known}:
            trial = measure(rows, typed)
            with typed.trials.open("a", encoding="utf-8") as file:
                file.write(json.dumps(trial) + "\n")
            known.append(trial)
    print(table(known))


if __name__ == "__main__":
    main()
