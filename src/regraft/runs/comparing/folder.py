"""Makes the folder of a comparison, or takes one that holds the same settings."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from regraft.data.rows import Dataset
from regraft.errors import SettingsError, StorageError
from regraft.freezing.proof import state_digest
from regraft.runs.comparing.digest import rows_digest
from regraft.runs.comparing.records import TRIALS
from regraft.runs.comparing.settings import CompareSettings
from regraft.runs.fitting.folder import RunFolder, check_free, claim
from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.record import PLACES, absolute, measured
from regraft.runs.fitting.source import load_source
from regraft.settings import FitSettings
from regraft.toml import write_toml
from regraft.training.precision import Verdict

COMPARE = "compare.toml"
PAGE = "compare.html"
UNDER_WAY = "under-way"
"""Holds the run of a trial that is not done: where it was stopped, it goes on."""
Tables = dict[str, Any]


def shared_table(settings: FitSettings) -> dict[str, Any]:
    """Returns the settings that all trials share as plain JSON, without empty values."""
    values = settings.model_dump(mode="json", exclude={"out", "repeat"})
    # A comparison may be gone on with from another folder than it was started in.
    values |= {name: absolute(values[name]) for name in PLACES}
    return {name: value for name, value in values.items() if value not in (None, "")}


def asked_tables(asked: CompareSettings) -> Tables:
    """Returns what was asked for as plain data: two folders with the same go on alike."""
    compare = {
        "strategies": list(asked.names),
        "against": asked.reference,
        "seeds": asked.seeds,
        "fractions": list(asked.shares),
    }
    return {"compare": compare, "settings": shared_table(asked.shared)}


def digests_of(prepared: Prepared, source: str | None = None) -> dict[str, str]:
    """Returns digests of the rows, of the network as it came and of a source of other rows.

    Args:
        prepared: Rows and network.
        source: Path or name of data that strategies train on too; None = there are none.

    Raises:
        DataError: If the source cannot be read, or is of another modality.
    """
    digests = {
        "rows": rows_digest(prepared.dataset),
        "weights": state_digest(prepared.backbone.network),
    }
    if source is None:
        return digests
    return {**digests, "source": rows_digest(load_source(source, prepared.dataset))}


def find_begun(asked: CompareSettings) -> Path | None:
    """Returns the `compare.toml` of the comparison to go on with; None if it is a new one.

    Args:
        asked: Names the folder, and what must be in it.

    Raises:
        SettingsError: If the folder holds another comparison, or something else, or another
            process works on it.
    """
    out = asked.out
    if out is None:
        return None
    place = out / COMPARE
    if not place.is_file():
        if out.is_dir():  # a process that was killed here has left nothing else
            (out / f"{COMPARE}.tmp").unlink(missing_ok=True)
        check_free(out)
        return None
    with RunFolder(out, made=False).alone():  # else it is told when all is prepared
        _refuse_others(out, _read(place), asked_tables(asked))
    return place


def open_comparison(
    asked: CompareSettings, prepared: Prepared, *, verdict: Verdict, digests: Mapping[str, str]
) -> RunFolder:
    """Returns the folder, with everything that its trials are made from in `compare.toml`.

    Args:
        asked: What to compare.
        prepared: Data and network of the first strategy.
        verdict: Modes of all trials: they must not differ in what was measured.
        digests: Of the rows and the weights.

    Raises:
        SettingsError: If the folder holds a comparison on other rows or weights, or another
            process works on it.
        StorageError: If the folder cannot be made.
    """
    tables = {**asked_tables(asked), "digests": dict(digests)}
    if begun := find_begun(asked):
        _refuse_others(begun.parent, _read(begun), tables)
        folder = RunFolder(begun.parent, made=False)
    else:
        folder = _claimed(asked.out, prepared.dataset)
        earlier = prepared.earlier.left_open if prepared.earlier else frozenset[str]()
        content = {"left_open": sorted(earlier), **tables, **measured(verdict)}
        folder.write(COMPARE, write_toml(content))
    with folder.alone():  # what others are writing is swept away
        with folder.writing(TRIALS) as trials:
            trials.mkdir(exist_ok=True)
        for place in (folder, RunFolder(trials)):
            place.sweep()
    return folder


def _claimed(out: Path | None, dataset: Dataset) -> RunFolder:
    if out is None:
        return claim(None, dataset.name, strategy="compare")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{out} cannot be made ({error.strerror})") from error
    return RunFolder(out)


def _read(place: Path) -> Tables:
    try:
        return tomllib.loads(place.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{place} cannot be read ({error})",
            expected="a folder that regraft compare made",
            hint="another --out",
        ) from None


def _refuse_others(out: Path, kept: Tables, wanted: Tables) -> None:
    differences = list(_differences(kept, json.loads(json.dumps(wanted))))
    if differences:
        raise SettingsError(
            f"{out} holds another comparison: {'; '.join(differences)}",
            expected="the same settings, or a folder that does not exist",
            hint="another --out",
        )


def _differences(kept: Tables, wanted: Mapping[str, Tables]) -> Iterator[str]:
    for title, table in wanted.items():
        old = kept.get(title) or {}
        for name in sorted({*old, *table}):
            if old.get(name) == table.get(name):
                continue
            was, now = _shown(old.get(name)), _shown(table.get(name))
            yield f"{name} were others" if title == "digests" else f"{name} was {was}, is {now}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "left open" if value is None else str(value)
