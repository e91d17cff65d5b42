"""Decides whether torch and torchvision fit together, in one sentence where they do not."""

import contextlib
from collections.abc import Iterator

import torch

from regraft.errors import BackboneError

_SIGN = "torchvision::"


@contextlib.contextmanager
def paired_torch() -> Iterator[None]:
    """Turns the failure of an unpaired torchvision into the pip line that mends it.

    Raises:
        BackboneError: If what is done inside fails because torchvision's own operators
            are missing from torch.
    """
    try:
        yield
    except (RuntimeError, ImportError) as error:
        if _SIGN not in f"{error} {error.__cause__} {error.__context__}":
            raise
        raise BackboneError(
            f"torch {torch.__version__} and the installed torchvision are not a pair "
            f"({str(error).splitlines()[0]})",
            hint="pip install --upgrade --force-reinstall torch torchvision",
        ) from error
