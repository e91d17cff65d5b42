"""Makes the settings of the source's fit from those of an adaptation, and its `run.toml`."""

import tomllib
from typing import Any

from regraft.runs.fitting.prepare import Prepared
from regraft.runs.fitting.record import absolute, run_toml
from regraft.settings import AdaptSettings, FitSettings
from regraft.toml import write_toml
from regraft.training.precision import Verdict

SHARED = (FitSettings.model_fields.keys() & AdaptSettings.model_fields.keys()) - {"preset"}


def fit_settings(settings: AdaptSettings) -> FitSettings:
    """Returns the settings of source-only: by default a linear head on the frozen trunk."""
    shared: dict[str, Any] = {name: getattr(settings, name) for name in sorted(SHARED)}
    return FitSettings(**{**shared, "strategy": settings.source_strategy})


def adapt_toml(settings: AdaptSettings, prepared: Prepared, *, verdict: Verdict) -> str:
    """Returns the text of `run.toml`: with it `regraft adapt --config` repeats the run.

    Args:
        settings: As typed.
        prepared: Of the source, with what was left open filled in.
        verdict: Modes of inference.
    """
    content = tomllib.loads(run_toml(prepared, verdict))
    own = settings.model_dump(mode="json", exclude={"repeat", *SHARED})
    own["target"] = absolute(own["target"])
    own["sources"] = [absolute(name) for name in own["sources"]]
    filled = {name: value for name, value in content["settings"].items() if name in SHARED}
    filled |= settings.columns  # of which the source may lack some that the target has
    kept = {name: value for name, value in own.items() if value not in (None, "", [])}
    return write_toml({**content, "settings": {**filled, **kept}})
