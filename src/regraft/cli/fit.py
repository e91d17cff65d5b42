"""Makes a run from labelled data: `regraft fit DATA`."""

from typing import Unpack

from regraft.cli.options import Data, FitFlags, fit_settings, required, spelled_out


@spelled_out(FitFlags)
def fit(data: Data = None, **flags: Unpack[FitFlags]) -> int:
    """Fine-tune a pretrained network on labelled data, and measure what that gained."""
    from regraft.cli.printing import write_checked, write_result
    from regraft.cli.progress import progress_for

    settings = required(fit_settings(data, flags))
    quiet = flags.get("quiet", False)
    from regraft.runs.fit import run_fit

    result = run_fit(settings, progress_for(quiet=quiet))
    write_result(result, as_json=flags.get("json", False), quiet=quiet)
    write_checked(result, asked=settings.check_cache, quiet=quiet)
    return 0
