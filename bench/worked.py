"""Runs the settings of the two worked examples, and writes the tables of their pages.

Each run is one whole process, as a user would start it, and one line of a file; a bench that
was stopped goes on where it was. Settings with a time limit keep no features (`--no-cache`),
so that each seed pays what a first run pays. `--write` makes the tables of docs/imdb.md,
docs/cifar10.md and their translations; nothing is run.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fits import fitted, place_of, spread
from marks import Trial, add_trial, last_of, markdown, marks_of, read_trials, write_between
from tables import BENCH, PLACE, SHARED, image_folder

ROOT = BENCH.parent
COMMAND = "python bench/worked.py"
KEPT = ("scores", "seconds", "wall", "trained_share", "history", "best", "backbone")
Words = dict[str, str]


@dataclass(frozen=True)
class Setting:
    """One line of a page's table.

    Args:
        name: By which it is picked.
        page: `imdb` or `cifar10`: its data and its pages.
        words: Of the command, after `regraft fit`.
        shown: What it is, by language.
        timed: Whether it has a time limit.
    """

    name: str
    page: str
    words: tuple[str, ...]
    shown: Words
    timed: bool = False


SETTINGS = (
    Setting(
        "imdb-hour",
        "imdb",
        ("--config", "examples/imdb_bert.toml"),
        {"en": "two steps, within the hour", "zh": "两步法，一小时以内"},
        timed=True,
    ),
    Setting(
        "imdb-head",
        "imdb",
        ("imdb", "--strategy", "head", "--max-length", "256"),
        {"en": "the article's: the output layer alone", "zh": "文章的设置：只训练输出层"},
    ),
    Setting(
        "imdb-best",
        "imdb",
        ("imdb", "--max-length", "512", "--epochs", "3", "--no-baselines"),
        {"en": "two steps, whole reviews, no limit", "zh": "两步法，完整评论，不限时间"},
    ),
    Setting(
        "vgg16",
        "cifar10",
        ("--config", "examples/cifar10_vgg16.toml"),
        {
            "en": "the article's, with a new head: VGG16, SGD",
            "zh": "文章的设置，头是新的：VGG16、SGD",
        },
        timed=True,
    ),
    Setting(
        "vgg16-ours",
        "cifar10",
        ("cifar10", "--backbone", "starter:vgg16", "--image-size", "64", "--epochs", "3"),
        {"en": "VGG16 with our defaults", "zh": "VGG16，默认设置"},
    ),
    Setting(
        "cifar10-default",
        "cifar10",
        ("cifar10",),
        {"en": "all defaults: EfficientNet-Lite0", "zh": "全部默认：EfficientNet-Lite0"},
    ),
    Setting(
        "cifar10-best",
        "cifar10",
        ("cifar10", "--preset", "best"),
        {"en": "the best of several, no limit", "zh": "多种策略中最好的，不限时间"},
    ),
)
PAGES = (("imdb", "en"), ("imdb", "zh"), ("cifar10", "en"), ("cifar10", "zh"))
HEADS = {
    "en": ("setting", "command", "accuracy", "log loss", "seconds", "trained"),
    "zh": ("设置", "命令", "准确率", "对数损失", "秒", "训练的比例"),
}
EPOCH_HEADS = {
    "en": ("phase", "epoch", "train loss", "train acc.", "val loss", "val acc.", "seconds"),
    "zh": ("阶段", "轮", "训练损失", "训练准确率", "验证损失", "验证准确率", "秒"),
}
WORDS: dict[str, Words] = {
    "en": {
        "missing": "not measured",
        "seeds": "Test rows; mean over the seeds that ran (by line: {seeds}), least, greatest.",
        "beside": "Beside it, without training the network: {ways} (95 % interval).",
        "epochs": "Epoch by epoch, seed 0, {shown}:",
        "best": "The weights of the epoch in bold are kept.",
        "place": "Measured on {places}.",
    },
    "zh": {
        "missing": "尚未测量",
        "seeds": "测试集；已运行种子（各行个数：{seeds}）的平均值，括号内为最低和最高。",
        "beside": "作为对照，不训练网络时：{ways}（95 % 区间）。",
        "epochs": "逐轮结果，种子 0，{shown}：",
        "best": "保留粗体那一轮的权重。",
        "place": "测量环境：{places}。",
    },
}


def arguments() -> argparse.Namespace:
    """Returns what was typed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [setting.name for setting in SETTINGS]
    parser.add_argument("--settings", nargs="*", default=names, choices=names)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=0, help="of each part; 0 = all")
    parser.add_argument("--more", nargs="*", default=[], help="flags in one word: device=cuda")
    parser.add_argument("--trials", type=Path, default=BENCH / "worked.jsonl")
    parser.add_argument("--write", action="store_true", help="the four pages; nothing is run")
    return parser.parse_args()


def data_of(page: str, rows: int) -> Path:
    """Returns the folder in which `imdb` or `cifar10` lies, laid out as the pages say."""
    place = PLACE / f"examples-{rows}"
    if not (place / page).exists():
        part = place / f"{page}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        (_write_imdb if page == "imdb" else _write_cifar10)(part, rows)
        part.replace(place / page)
    return place


def _write_imdb(folder: Path, rows: int) -> None:
    import pyarrow.parquet as pq

    for part in ("train", "test"):
        table = pq.read_table(SHARED / "data" / "text" / f"imdb-{part}.parquet")
        pq.write_table(table.slice(0, rows or None), folder / f"{part}.parquet")


def _write_cifar10(folder: Path, rows: int) -> None:
    for part in ("train", "test"):
        for label in (image_folder("cifar10-small") / part).iterdir():
            (folder / part / label.name).mkdir(parents=True)
            for picture in sorted(label.iterdir())[: rows or None]:
                shutil.copy(picture, folder / part / label.name)


def measure(setting: Setting, seed: int, typed: argparse.Namespace) -> Trial:
    """Returns what one run came to."""
    words = [str(ROOT / w) if w.startswith("examples/") else w for w in setting.words]
    words += ["--seed", str(seed), *(["--no-cache"] if setting.timed else [])]
    for flag in typed.more:
        name, _, value = flag.partition("=")
        words += [f"--{name}", *([value] if value else [])]
    with tempfile.TemporaryDirectory() as folder:
        result = fitted(words, run=Path(folder) / "run", cwd=data_of(setting.page, typed.rows))
    baselines = {key: way["accuracy"] for key, way in result.get("baselines", {}).items()}
    kept = {key: result[key] for key in KEPT}
    environment = {**result["environment"], "verdict": None}
    own = {"setting": setting.name, "seed": seed, "rows": typed.rows, "more": typed.more}
    return {**own, **kept, "baselines": baselines, "environment": environment}


def _counts(found: dict[str, list[Trial]]) -> str:
    """Returns how many seeds each setting has that was measured, in the table's order."""
    counts = [len(trials) for trials in found.values() if trials]
    return str(counts[0]) if len(set(counts)) == 1 else ", ".join(map(str, counts))


def page_text(page: str, language: str, known: Sequence[Trial]) -> str:
    """Returns the tables of one page."""
    told = WORDS[language]
    settings = [setting for setting in SETTINGS if setting.page == page]
    found = {s.name: last_of(list(known), setting=s.name) for s in settings}
    lines = [_line(setting, found[setting.name], language) for setting in settings]
    parts = [markdown(HEADS[language], lines)]
    trials = [trial for each in found.values() for trial in each]
    if not trials:
        return parts[0]
    parts.append(told["seeds"].format(seeds=_counts(found)))
    ways = list(dict.fromkeys(_ways(settings, found, language)))
    if ways:
        parts.append(told["beside"].format(ways=", ".join(ways)))
    for setting in settings:
        parts += _epochs(setting, found[setting.name], language)
    places = sorted({place_of(trial["environment"]) for trial in trials})
    return "\n\n".join([*parts, told["best"], told["place"].format(places="; ".join(places))])


def _ways(settings: list[Setting], found: dict[str, list[Trial]], language: str) -> Iterator[str]:
    """Yields the scores without training; that of a probe with the setting of its network."""
    for setting in settings:
        known = [t["baselines"] for t in found[setting.name] if t["baselines"]]
        ways = known[0] if known else {}
        for key, accuracy in ways.items():
            whose = f" ({setting.shown[language]})" if key == "linear_probe" else ""
            yield f"{key.replace('_', ' ')}{whose} {_score(accuracy)}"


def _line(setting: Setting, found: list[Trial], language: str) -> list[str]:
    command = f"`regraft fit {' '.join(setting.words)}`"
    begin = [setting.shown[language], command]
    if not found:
        return [*begin, WORDS[language]["missing"], "", "", ""]
    tests = [trial["scores"]["test"] for trial in found]
    seconds = [trial["wall"] for trial in found]
    span = f"{min(seconds):,.0f}–{max(seconds):,.0f}" if len(seconds) > 1 else f"{seconds[0]:,.0f}"
    return [
        *begin,
        spread([test["accuracy"]["value"] for test in tests]),
        spread([test["log_loss"]["value"] for test in tests]),
        span,
        f"{100 * found[0]['trained_share']:.0f} %",
    ]


def _epochs(setting: Setting, found: list[Trial], language: str) -> list[str]:
    if not found:
        return []
    lines = [_epoch(record, found[0]["best"]) for record in found[0]["history"]]
    title = WORDS[language]["epochs"].format(shown=setting.shown[language])
    return [title, markdown(EPOCH_HEADS[language], lines)]


def _epoch(record: dict[str, Any], best: dict[str, Any]) -> list[str]:
    number = f"{record['epoch']}/{record['epochs']}"
    kept = (record["phase"], record["epoch"]) == (best["phase"], best["epoch"])
    losses = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    values = ["" if record[key] is None else f"{record[key]:.3f}" for key in losses]
    return [record["phase"], f"**{number}**" if kept else number, *values, _seconds(record)]


def _seconds(record: dict[str, Any]) -> str:
    return f"{record['seconds']:,.1f}"


def _score(score: dict[str, float]) -> str:
    return f"{score['value']:.3f} ({score['low']:.3f}–{score['high']:.3f})"


def write_pages(known: Sequence[Trial]) -> None:
    """Replaces what stands between the marks of the four pages."""
    for page, language in PAGES:
        name = f"{page}.md" if language == "en" else f"{page}.{language}.md"
        write_between(ROOT / "docs" / name, marks_of(COMMAND), page_text(page, language, known))


def missing(typed: argparse.Namespace) -> Iterator[tuple[Setting, int]]:
    """Yields what was not run yet, seed by seed."""
    done = {(trial["setting"], trial["seed"]) for trial in read_trials(typed.trials)}
    picked = [setting for setting in SETTINGS if setting.name in typed.settings]
    for seed in range(typed.seeds):
        yield from ((s, seed) for s in picked if (s.name, seed) not in done)


def main() -> None:
    """Runs what is missing, or writes the pages."""
    typed = arguments()
    if typed.write:
        write_pages(read_trials(typed.trials))
        return
    for setting, seed in missing(typed):
        trial = measure(setting, seed, typed)
        add_trial(typed.trials, trial)
        accuracy = trial["scores"]["test"]["accuracy"]["value"]
        print(f"{setting.name}, seed {seed}: {accuracy:.3f}, {trial['wall']} s", file=sys.stderr)
    for page in ("imdb", "cifar10"):
        print(page_text(page, "en", read_trials(typed.trials)))


if __name__ == "__main__":
    main()
