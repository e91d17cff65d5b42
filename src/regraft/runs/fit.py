"""Fits a network to data: the verb that makes a run folder from settings."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, Unpack

import torch
from torch import nn

from regraft.backbones.backbone import Backbone
from regraft.data.encode import Encoded, encode
from regraft.data.starters.wheels import Say
from regraft.errors import DamagedFileError
from regraft.freezing.ledger import Event
from regraft.reports.html import write_report
from regraft.runs.choosing.budget import SAVING, closing_seconds, spared, tell_room
from regraft.runs.choosing.clock import Since, began
from regraft.runs.choosing.modes import decide_modes, takes_steps
from regraft.runs.choosing.network import example
from regraft.runs.choosing.opening import Network
from regraft.runs.fitting.cheaper import Cheaper, cheaper_ways
from regraft.runs.fitting.commands import resume_command
from regraft.runs.fitting.folder import (
    CHECKPOINTS,
    CONTROL,
    SETTINGS,
    START,
    RunFolder,
    check_free,
    claim,
)
from regraft.runs.fitting.logged import Logged, beating, files_stay, goes_on, leaves_folder
from regraft.runs.fitting.outcome import Outcome, model_of, read_back, save_learnt, save_predictions
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.record import begun_toml, keep_decisions, problems_csv, run_toml
from regraft.runs.fitting.result import described, result_document
from regraft.runs.fitting.train import Trained, pool_parts
from regraft.runs.trials.automatic import Job, trained_as_asked
from regraft.runs.trials.control import train_control
from regraft.scoring.metrics import softmax
from regraft.serving.store import save_model
from regraft.settings import FitOptions, FitSettings
from regraft.strategies.table import make_strategy
from regraft.training.keeping.keeper import Keeper
from regraft.training.keeping.merging import merge_into_trunk
from regraft.training.precision import Verdict
from regraft.training.progress import Progress, Silent, told_rows

Seconds = dict[str, float]
T = TypeVar("T")


def fit(data: object, **options: Unpack[FitOptions]) -> dict[str, Any]:
    """Returns the result document of a network fitted to data.

    Args:
        data: A path or name as on the command line, a pair of lists (inputs, labels), or a
            frame with columns.
        **options: The fields of `FitSettings`; `backbone` may be a network itself, a torch
            module or what `open_module` gives. It is copied: the caller's own stays as it is.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    settings, network = settings_of(data, options)
    return run_fit(settings, Silent(), source=data, network=network)


def settings_of(data: object, options: FitOptions) -> tuple[FitSettings, Network | None]:
    """Returns checked settings, and the network itself where one was given.

    Args:
        data: As for `fit`; only a path or name is a setting.
        options: Whose `backbone` may be a network: its name is the setting.
    """
    named = str(data) if isinstance(data, str | Path) else ""
    backbone = options.get("backbone")
    if not isinstance(backbone, nn.Module | Backbone):
        return FitSettings(data=named, **options), None
    name = backbone.name if isinstance(backbone, Backbone) else type(backbone).__name__
    renamed: FitOptions = {**options, "backbone": name}
    return FitSettings(data=named, **renamed), backbone


def run_fit(
    settings: FitSettings,
    progress: Progress,
    *,
    source: object = None,
    network: Network | None = None,
    report: bool = True,
) -> dict[str, Any]:
    """Returns the result document; the run folder is complete when it does.

    Args:
        settings: Checked settings.
        progress: Told what happens.
        source: The data where they are Python objects; None = `settings.data`.
        network: The backbone where it is a Python object; None = `settings.backbone`.
        report: Whether `report.html` is drawn and the model of a network that is no starter read
            back, which takes a second or two.

    Raises:
        SettingsError: If an option cannot be used or the run folder is taken.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
    """
    started = began()
    check_free(settings.out)
    torch.manual_seed(settings.seed)
    given = settings.data if source is None else source
    prepared = prepare(settings, given, say=progress.say, network=network)
    for choice in prepared.chosen.listed():
        progress.say(choice.words())
    folder = claim(settings.out, prepared.dataset.name, strategy=settings.strategy)
    with folder.alone():
        try:
            folder.begin(begun_toml(settings))
            return complete(
                folder, prepared, progress=progress, started=started, network=network, report=report
            )
        except BaseException as error:
            if not leaves_folder(folder, error):
                folder.discard()
            elif goes_on(folder, error) and settings.data and network is None:
                progress.say(f"go on with: {resume_command(folder.path, settings.strategy)}")
            raise
        finally:
            progress.finish()


def complete(
    folder: RunFolder,
    prepared: Prepared,
    *,
    progress: Progress,
    started: float,
    network: Network | None = None,
    report: bool = True,
) -> dict[str, Any]:
    """Returns the result document of a run that was begun, its folder completed.

    Where the folder holds a checkpoint, training goes on from there.

    Args:
        folder: Of the run.
        prepared: Data and network.
        progress: Told what happens.
        started: `time.monotonic()` when the run began.
        network: The backbone where it is a Python object.
        report: Whether `report.html` is drawn and the model read back.

    Raises:
        SettingsError: If the training diverged.
        DataError: If the rows are not those of the checkpoint.
        DamagedFileError: If the saved model does not answer as the trained one.
        StorageError: If the disk or a permission says no.
    """
    # What a process spent that was stopped counts too, for the limit and for the seconds.
    earlier, before = folder.spent(), time.monotonic() - started
    folder.log(START, {"data": prepared.dataset.name, "rows": _sizes(prepared), "before": before})
    logged = Logged(folder, progress)
    keepers = (
        Keeper(folder.path / CHECKPOINTS, say=logged.say),
        Keeper(folder.path / CONTROL, say=logged.say),
    )
    with files_stay(folder), beating(folder, on=prepared.settings.max_seconds is not None):
        # A process ends about as slowly as it began: the report has libraries of its own.
        ending = max(SAVING, before - prepared.seconds)
        since = Since(started - earlier, earlier, ending)
        result = _fit_into(folder, prepared, logged, since, keepers)
    if report:
        read_back(folder.path, prepared, network=network)
        with folder.writing("report.html") as place:
            write_report(result, place)
    keep_decisions(folder, prepared.cache.decided)
    folder.finish(result)
    for keeper in keepers:
        keeper.clear()
    return result


def _fit_into(
    folder: RunFolder,
    prepared: Prepared,
    progress: Progress,
    since: Since,
    kept: tuple[Keeper, Keeper],
) -> dict[str, Any]:
    keeper, fork = kept
    seconds: Seconds = {"data": prepared.seconds}
    steps = takes_steps(prepared)
    modes = partial(decide_modes, prepared, say=progress.say, steps=steps)
    verdict = _timed(seconds, "modes", modes)
    if not folder.measured:
        folder.write(SETTINGS, run_toml(prepared, verdict))
    tell_room(prepared, folder.path, say=progress.say, steps=steps)
    prepared = spared(prepared, verdict, say=progress.say)
    test = _encoded_test(prepared) if prepared.settings.baselines else None
    pooled = _timed(seconds, "probe", lambda: _pooled(prepared, verdict, test, progress))
    limit = prepared.settings.max_seconds
    closing = closing_seconds(prepared, verdict, ending=since.ending)
    until = since.started + limit - closing if limit else math.inf
    if until <= time.monotonic():
        progress.say(f"max_seconds = {limit:g} is hardly enough to read and to score")
    keepers = (keeper, fork if prepared.settings.control else None)
    job = Job(folder, prepared, verdict, pooled, progress, until, keepers)
    prepared, trained, automatic = _timed(seconds, "train", lambda: trained_as_asked(job))
    seconds["train"] += since.earlier
    plan = described(prepared)
    prepared = _merged(prepared, trained)
    if automatic:
        seconds["auto"] = automatic.seconds  # a part of the training
    seconds["chosen"] = _cost(prepared, seconds)
    outcome = _timed(seconds, "evaluate", lambda: _scored(prepared, trained, verdict, progress.say))
    ways = _timed(seconds, "baselines", lambda: _ways(prepared, trained, pooled, seconds))
    digest = _save(folder, outcome, prepared)
    last = trained.session.ledger.events[-1]
    trained.session.ledger.note(
        Event(trained.session.step, last.phase, "saved", last.line, {"model.safetensors": digest})
    )
    beside = {"auto": automatic.as_json()} if automatic else {}
    if prepared.settings.control:
        made = (trained, outcome)
        twin = partial(train_control, prepared, verdict, made=made, fork=fork, progress=progress)
        beside["control"] = _timed(seconds, "control", twin)
    seconds["checkpoints"] = keeper.spent  # a part of the training
    seconds["total"] = time.monotonic() - since.started
    result = result_document(
        folder.path, (prepared, trained, outcome), beside=(ways, seconds, plan), verdict=verdict
    )
    return {**result, **beside}


def _merged(prepared: Prepared, trained: Trained) -> Prepared:
    """Puts what was trained beside the trunk's layers into them."""
    merging = make_strategy(prepared.settings.strategy).merging
    merge_into_trunk(trained.session, merging, example=example(prepared.backbone))
    return replace(prepared, chain=trained.session.chain)


def _timed(seconds: Seconds, name: str, work: Callable[[], T]) -> T:
    start = time.perf_counter()
    made = work()
    seconds[name] = time.perf_counter() - start
    return made


def _encoded_test(prepared: Prepared) -> Encoded | None:
    rows = prepared.dataset.parts["test"]
    if not len(rows):
        return None
    return encode(rows, prepared.backbone.spec, extent=int(prepared.chosen.extent.value))


def _pooled(prepared: Prepared, verdict: Verdict, test: Encoded | None, progress: Progress) -> Any:
    if not prepared.settings.baselines:
        return {}
    progress.say("computing the frozen trunk's features once")
    return pool_parts(prepared, verdict, test=test)


def _scored(prepared: Prepared, trained: Trained, verdict: Verdict, say: Say) -> Outcome:
    """Answers the test rows with the trained network: the last thing a run does with it."""
    model = model_of(prepared, verdict)
    test = prepared.dataset.parts["test"]
    told = told_rows(say, len(test), verb="scored")
    answers = model.answer(test.inputs, told=told)
    lost = next((row for row, error in enumerate(answers.errors) if error), None)
    if lost is not None:  # it was read before training; the checkpoint is still there
        raise DamagedFileError(f"{test.origins[lost]} cannot be scored: {answers.errors[lost]}")
    return Outcome(model, softmax(trained.val_logits), trained.val_labels, test, answers)


def _cost(prepared: Prepared, seconds: Seconds) -> float:
    """Returns the seconds of the chosen strategy alone: its training, and the features it uses."""
    on_features = any(phase.line == prepared.chain.top for phase in prepared.phases)
    return seconds["train"] + (seconds["probe"] if on_features else 0.0)


def _ways(prepared: Prepared, trained: Trained, pooled: Any, seconds: Seconds) -> list[Cheaper]:
    if not prepared.settings.baselines:
        return []
    return cheaper_ways(prepared, trained, pooled=pooled, pass_seconds=seconds["probe"])


def _save(folder: RunFolder, outcome: Outcome, prepared: Prepared) -> str:
    """Writes the model, test predictions and what was learnt from; returns the weights' digest."""
    with folder.writing("predictions-test.parquet") as place:
        save_predictions(place, outcome)
    beside = prepared.source.digests if prepared.source else None
    save_learnt(folder, prepared.dataset, beside=beside)
    problems = prepared.dataset.problems
    if problems:
        folder.write("problems.csv", problems_csv(problems))
    inputs = prepared.dataset.parts["train"].inputs[:8]
    return save_model(
        folder.path / "model", outcome.model, head=prepared.settings.head, examples=inputs
    )


def _sizes(prepared: Prepared) -> dict[str, int]:
    return {part: len(rows) for part, rows in prepared.dataset.parts.items()}
