"""Adapts a classifier to a place without labels: the verb that tries methods and decides."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any, Unpack

import numpy as np
import torch

from regraft.adaptation.decision import choose
from regraft.adaptation.table import SOURCE_ONLY
from regraft.errors import GuardError
from regraft.freezing.ledger import Event
from regraft.reports.html import write_report
from regraft.runs.adapting.document import TOLD, Adaptation, adaptation_document, beside
from regraft.runs.adapting.features import (
    check_rows_of_classes,
    domains_of,
    pool_domains,
    without_lost,
)
from regraft.runs.adapting.given import NOTHING, Given, names_given, read_given
from regraft.runs.adapting.keeping import keep_classifier, keep_trunk
from regraft.runs.adapting.labels import draw_labelled, draw_places
from regraft.runs.adapting.record import adapt_toml, fit_settings
from regraft.runs.adapting.target import Target, read_target
from regraft.runs.adapting.trying import Known, try_methods
from regraft.runs.adapting.views import View, check_usable, views_of
from regraft.runs.choosing.budget import tell_room
from regraft.runs.choosing.modes import decide_modes
from regraft.runs.fitting.commands import resume_command
from regraft.runs.fitting.folder import CHECKPOINTS, SETTINGS, RunFolder, check_free, claim
from regraft.runs.fitting.logged import Logged, files_stay, goes_on, leaves_folder
from regraft.runs.fitting.outcome import Outcome, model_of, read_back, save_learnt, save_predictions
from regraft.runs.fitting.prepare import Prepared, prepare
from regraft.runs.fitting.record import begun_toml, keep_decisions, problems_csv
from regraft.runs.fitting.result import described, result_document
from regraft.runs.fitting.train import train
from regraft.runs.moving.asked import Asked, asked_of
from regraft.runs.moving.deciding import Seconds, adapted_by_moving, spent
from regraft.runs.moving.source import Work, digest_of
from regraft.runs.moving.units import Units
from regraft.runs.shifting.colours import with_colours_told
from regraft.scoring.metrics import softmax
from regraft.serving.model import Answers
from regraft.serving.store import save_model
from regraft.settings import AdaptOptions, AdaptSettings
from regraft.training.precision import Verdict
from regraft.training.progress import Progress, Silent

Document = dict[str, Any]


def adapt(
    source: object = None,
    *,
    sources: Sequence[object] = (),
    target: object = None,
    **options: Unpack[AdaptOptions],
) -> Document:
    """Returns the result document of a classifier of the source, adapted to the target.

    Args:
        source: Labelled data: a path or name as on the command line, a pair of lists
            (inputs, labels), or a frame with columns.
        sources: A list of several of these, in the place of `source`; their rows train
            together, and must have the same classes.
        target: The same without labels; those that are in it are not read. None where
            `domain`, `from_domain` and `to_domain` name domains of the source.
        **options: The other fields of `AdaptSettings`.

    Raises:
        SettingsError: If an option cannot be used.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
        GuardError: With `strict`, if no method is fit to be kept.
    """
    given = Given(source, sources, target)
    settings = AdaptSettings(**names_given(given), **options)
    return run_adapt(settings, Silent(), given=given)


def run_adapt(
    settings: AdaptSettings,
    progress: Progress,
    *,
    given: Given = NOTHING,
    report: bool = True,
    begun: RunFolder | None = None,
) -> Document:
    """Returns the result document; the run folder is complete when it does.

    Args:
        settings: Checked settings.
        progress: Told what happens.
        given: Python objects in the place of what the settings name.
        report: Whether `report.html` is drawn and the model of a network that is no starter read
            back.
        begun: The folder of a run that was stopped, which is gone on with.

    Raises:
        SettingsError: If an option cannot be used or the run folder is taken.
        DataError: If the data cannot be used.
        BackboneError: If the network cannot be used.
        GuardError: With `strict`, if no method is fit to be kept.
    """
    started = time.monotonic()
    if begun is None:
        check_free(settings.out)
    asked = asked_of(settings)
    torch.manual_seed(settings.seed)
    own, source, target = read_given(settings, given, say=progress.say)
    prepared = prepare(fit_settings(own), source, say=progress.say)
    check_rows_of_classes(prepared)
    for choice in prepared.chosen.listed():
        if settings.moves or choice.name in TOLD:
            progress.say(choice.words())
    rows = read_target(
        target,
        prepared,
        score=settings.score_target,
        learn=settings.target_labels,
        say=progress.say,
    )
    prepared = with_colours_told(prepared, rows, say=progress.say)
    check_usable(
        [*asked.on_features, *asked.after], prepared.network.trunk, spec=prepared.backbone.spec
    )
    name = f"{prepared.dataset.name}-to-{rows.name}"
    folder = begun or claim(settings.out, name, strategy="adapt")
    with folder.alone() if begun is None else nullcontext():
        try:
            if not folder.begun:
                folder.begin(begun_toml(settings))
            wanted = (settings, asked, started, report)
            with files_stay(folder):
                return _complete(folder, prepared, rows, Logged(folder, progress), wanted)
        except BaseException as error:
            refused = settings.strict and isinstance(error, GuardError)
            if begun is None and (refused or not leaves_folder(folder, error)):
                folder.discard()
            elif goes_on(folder, error) and settings.named and settings.moves:
                words = resume_command(folder.path, settings.source_strategy)
                progress.say(f"go on with: {words}")
            raise
        finally:
            progress.finish()


def _complete(
    folder: RunFolder,
    prepared: Prepared,
    target: Target,
    progress: Logged,
    wanted: tuple[AdaptSettings, Asked, float, bool],
) -> Document:
    settings, asked, started, report = wanted
    verdict = decide_modes(prepared, say=progress.say)
    if not folder.measured:
        folder.write(SETTINGS, adapt_toml(settings, prepared, verdict=verdict))
    sizes = {part: len(rows) for part, rows in prepared.dataset.parts.items()}
    folder.log("start", {"data": prepared.dataset.name, "target": target.name, "rows": sizes})
    seconds: Seconds = {"data": prepared.seconds}
    tell_room(prepared, folder.path, say=progress.say, steps=settings.moves)
    units = Units(folder.path / CHECKPOINTS, digest_of(prepared, target), say=progress.say)
    work = Work(prepared, verdict, target, units, progress)
    made = (adapted_by_moving if settings.moves else _adapted)(work, asked, seconds=seconds)
    if settings.strict and made.decision.fell_back:
        raise GuardError(
            made.decision.reason, expected="a method that is fit to be kept", hint="no --strict"
        )
    with spent(seconds, "evaluate"):
        outcome = _outcome(made, verdict)
    with spent(seconds, "baselines"):
        cheaper = beside(made) if settings.baselines else {}
    _save(folder, outcome, made)
    seconds["chosen"] = seconds["train"] + made.decision.chosen.seconds
    seconds["total"] = time.monotonic() - started
    base = result_document(
        folder.path,
        (made.prepared, made.trained, outcome),
        beside=([], seconds, described(made.prepared)),
        verdict=verdict,
    )
    result = adaptation_document(made, base, cheaper=cheaper)
    if report:
        read_back(folder.path, made.prepared, network=None)
        with folder.writing("report.html") as place:
            write_report(result, place)
    keep_decisions(folder, prepared.cache.decided)
    folder.finish(result)
    units.clear()
    return result


def _adapted(work: Work, asked: Asked, *, seconds: Seconds) -> Adaptation:
    """Trains source-only, tries the methods, and puts what is chosen into the network."""
    prepared, verdict, target, progress = work.prepared, work.verdict, work.target, work.progress
    progress.say("computing the frozen trunk's features once")
    with spent(seconds, "probe"):
        pools = pool_domains(prepared, verdict, target=target)
        pools, target = without_lost(pools, target, prepared=prepared, say=progress.say)
    with spent(seconds, "train"):
        trained = train(prepared, verdict, pooled=pools.source, progress=progress)
    with spent(seconds, "adapt"):
        domains = domains_of(prepared, trained, pools=pools, target=target)
        places = partial(draw_places, target, pools.target, domains=domains)
        drawn = draw_labelled(target, places, say=progress.say)
        views = views_of(prepared, verdict, target=target, base=View(domains, pools))
        # Whatever a preparation made of features: answers are judged in those that came.
        views = replace(views, space=domains)
        judged, lost = try_methods(
            domains,
            asked.on_features,
            say=progress.say,
            views=views,
            known=Known(
                lambda word: drawn.known(views.of(word).pools.target), compared=asked.compared
            ),
            alone=asked.alone,
        )
    decision = choose(judged, lost=lost)
    progress.say(decision.reason)
    if decision.chosen.name != SOURCE_ONLY:
        changed = views.of(decision.chosen.name).changed
        if changed is not None:
            keep_trunk(trained, changed, name=decision.chosen.name)
        probe = decision.chosen.adapted.on_target
        prepared = keep_classifier(prepared, trained, probe=probe, start=domains.start)
    return Adaptation(
        prepared,
        trained,
        domains,
        judged,
        decision,
        pools,
        drawn.target,
        views=views,
        drawn=drawn,
    )


def _outcome(made: Adaptation, verdict: Verdict) -> Outcome:
    """Returns what the network that is kept says of the source's own rows."""
    parts, probe = made.prepared.dataset.parts, made.decision.chosen.adapted.on_target
    pools = made.pools_of(made.decision.chosen.name)
    val, labels = pools.part("val"), parts["val"].labels
    found = softmax(probe.logits(val)) if len(val) else np.zeros((0, len(probe.bias)))
    if made.decision.chosen.name == SOURCE_ONLY:
        found, labels = softmax(made.trained.val_logits), made.trained.val_labels
    test = pools.part("test")
    answers = softmax(probe.logits(test)) if len(test) else np.zeros((0, len(probe.bias)))
    model = model_of(made.prepared, verdict)
    return Outcome(model, found, labels, parts["test"], Answers(answers, ("",) * len(test)))


def _save(folder: RunFolder, outcome: Outcome, made: Adaptation) -> None:
    """Writes the model and what belongs to it; the ledger gets the weights' digest."""
    with folder.writing("predictions-test.parquet") as place:
        save_predictions(place, outcome)
    save_learnt(folder, made.prepared.dataset, beside=made.drawn.digests if made.drawn else None)
    problems = (*made.prepared.dataset.problems, *made.target.problems)
    if problems:
        folder.write("problems.csv", problems_csv(problems))
    digest = save_model(
        folder.path / "model",
        outcome.model,
        head=made.prepared.settings.head,
        examples=made.prepared.dataset.parts["train"].inputs[:8],
    )
    session = made.trained.session
    last = session.ledger.events[-1]
    digests = {"model.safetensors": digest}
    session.ledger.note(Event(session.step, last.phase, "saved", last.line, digests))
