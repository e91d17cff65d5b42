"""Compares strategies on one data set: the verb that makes learning curves from trials."""

import itertools
import shlex
import shutil
from collections.abc import Iterator
from typing import Any, Unpack, cast

from regraft.data.parting.share import take_share
from regraft.data.rows import Dataset
from regraft.data.starters.wheels import Say
from regraft.errors import SettingsError
from regraft.reports.comparison import sentences, write_comparison
from regraft.reports.words import percent
from regraft.runs.choosing.clock import began
from regraft.runs.choosing.modes import decide_modes
from regraft.runs.choosing.opening import Network
from regraft.runs.choosing.refusals import unaveraged
from regraft.runs.comparing.bars import Bars
from regraft.runs.comparing.baseline import baseline, baseline_config
from regraft.runs.comparing.diverged import DIVERGED, has_diverged
from regraft.runs.comparing.document import comparison_document
from regraft.runs.comparing.folder import (
    PAGE,
    UNDER_WAY,
    digests_of,
    find_begun,
    open_comparison,
    shared_table,
)
from regraft.runs.comparing.settings import (
    CompareOptions,
    CompareSettings,
    own_hints,
    own_settings,
    parted,
)
from regraft.runs.comparing.trial import trial, trial_config
from regraft.runs.fit import settings_of
from regraft.runs.fitting.folder import RESULT, RunFolder
from regraft.runs.fitting.prepare import Prepared, prepare, replanned, with_pairs
from regraft.runs.fitting.source import check_source
from regraft.runs.report import read_result
from regraft.settings import FitOptions
from regraft.strategies.table import AUTO, make_strategy
from regraft.training.phase import Phase
from regraft.training.progress import Progress, Silent

Document = dict[str, Any]
Place = tuple[str, float]
"""A strategy or baseline, and a share of the labels."""


def compare(data: object, **options: Unpack[CompareOptions]) -> Document:
    """Returns what strategies come to on the same rows, over seeds and shares of the labels.

    Args:
        data: As for `fit`.
        **options: The fields of `CompareSettings`, and those of `FitSettings` that all
            trials share.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    own, rest = parted(options)
    shared, network = settings_of(data, cast(FitOptions, rest))
    asked = CompareSettings(shared=shared, **own)
    return run_compare(asked, Silent(), source=data, network=network)


def run_compare(
    asked: CompareSettings,
    progress: Progress,
    *,
    source: object = None,
    network: Network | None = None,
) -> Document:
    """Returns the document of a comparison; where it was stopped before, it goes on.

    Args:
        asked: Checked settings.
        progress: Told what happens.
        source: The data where they are Python objects; None = those that are named.
        network: The backbone where it is a Python object; None = the one that is named.

    Raises:
        SettingsError: If an option cannot be used, the folder holds another comparison, or
            another process works on it.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
        DivergedError: If every trial of every strategy diverged.
        StorageError: If the disk or a permission says no.
    """
    given = asked.shared.data if source is None else source
    began()  # the command's own start belongs to no trial
    folder, dataset, digests = _begun(asked, progress, given, network)
    if (folder.path / RESULT).exists():
        return read_result(folder.path)
    cells: dict[Place, list[Document]] = {}

    def recorded(name: str, words: str, config: Document) -> Document:
        if name in asked.ways:
            return baseline(config, dataset, out=folder.path)
        shown = Bars(progress, words)
        return trial(config, given, out=folder.path, progress=shown, network=network)

    with folder.alone():
        try:
            for place, words, config in _configs(asked, digests):
                record = recorded(place[0], words, config)
                cells.setdefault(place, []).append(record)
                progress.say(f"{words}: {_outcome(record)}")
        except KeyboardInterrupt:
            progress.say(f"go on with the same command and --out {shlex.quote(str(folder.path))}")
            raise
        finally:
            progress.finish()
        return _finished(folder, asked, cells)


def _begun(
    asked: CompareSettings, progress: Progress, given: object, network: Network | None
) -> tuple[RunFolder, Dataset, dict[str, str]]:
    """Returns folder, rows, and digests of rows and weights: what is wrong is told here."""
    repeat = find_begun(asked) or asked.shared.repeat
    own = {**own_settings(_plain(asked)), "repeat": repeat}
    first = asked.shared.model_copy(update=own)
    with own_hints():
        prepared = prepare(first, given, say=progress.say, network=network)
        _check_all(asked, prepared, say=progress.say)
    # Measured once: what is fast here must not differ from trial to trial.
    verdict = decide_modes(prepared, say=progress.say)
    digests = digests_of(prepared, asked.shared.source)
    folder = open_comparison(asked, prepared, verdict=verdict, digests=digests)
    return folder, prepared.dataset, digests


def _plain(asked: CompareSettings) -> str:
    """Returns a strategy that puts nothing beside the layers: digests are of these alone."""
    plain = (name for name in asked.names if not make_strategy(name).merging)
    return next(plain, asked.names[0].partition("+")[0])


def _check_all(asked: CompareSettings, prepared: Prepared, *, say: Say) -> None:
    """Refuses what a strategy cannot have before the first trial: all are known from the start."""
    strategies = {name: make_strategy(name) for name in asked.names}
    planned: list[Phase] = []
    for name, strategy in strategies.items():
        settings = asked.shared.model_copy(update=own_settings(name))
        check_source(settings, strategy)
        if name != AUTO:
            planned += replanned(with_pairs(prepared, strategy), settings).phases
    if asked.shared.source and not any(each.needs_source for each in strategies.values()):
        raise SettingsError(
            f"source = {asked.shared.source!r} cannot be used: no strategy trains on one",
            hint="--strategies sequential,…",
        )
    _say_of_averages(asked, prepared, planned, say=say)


def _say_of_averages(
    asked: CompareSettings, prepared: Prepared, planned: list[Phase], *, say: Say
) -> None:
    """Says once with which shares an average does nothing: the trials' own words are not heard."""
    whole, seed = prepared.dataset, asked.shared.seed
    for share in reversed(asked.shares):
        where = "here" if share == 1 else f"with {100 * share:.4g} % of the labels, or fewer"
        told = unaveraged(take_share(whole, share, seed=seed), planned, where=where)
        if told:
            if told[0] not in prepared.understood:
                say(told[0])
            return


def _configs(
    asked: CompareSettings, digests: dict[str, str]
) -> Iterator[tuple[Place, str, Document]]:
    """Yields place, words and settings of each trial, seed by seed so that pairs are complete."""
    shared = shared_table(asked.shared)
    names = (*asked.ways, *asked.names)
    places = list(itertools.product(asked.numbers, asked.shares, names))
    for number, (seed, share, name) in enumerate(places, 1):
        words = f"trial {number}/{len(places)}: {name}, seed {seed}, {100 * share:.4g} % of labels"
        if name in asked.ways:
            own = {"strategy": name, "seed": seed, "fraction": share}
            config = baseline_config(digests, own=own)
        else:
            own = {**own_settings(name), "seed": seed, "fraction": share}
            config = trial_config(shared, digests, own=own)
        yield (name, share), words, config


def _outcome(record: Document) -> str:
    if has_diverged(record):
        return str(record[DIVERGED])
    accuracy = record["scores"]["test"]["accuracy"]["value"]
    return f"{percent(accuracy)} of the test rows right"


def _finished(
    folder: RunFolder, asked: CompareSettings, cells: dict[Place, list[Document]]
) -> Document:
    made = comparison_document(asked, cells, folder=folder.path)
    result = {**made, "sentences": sentences(made)}
    with folder.writing(PAGE) as place:
        write_comparison(result, place)
    shutil.rmtree(folder.path / UNDER_WAY, ignore_errors=True)
    folder.finish(result)
    return result
