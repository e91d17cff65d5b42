"""Fine-tunes as little of a pretrained network as serves, and proves what was frozen."""

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regraft.backbones.backbone import Backbone as Backbone
    from regraft.backbones.sources.module import open_module as open_module
    from regraft.data.spec import ImageSpec as ImageSpec
    from regraft.data.spec import TextSpec as TextSpec
    from regraft.errors import BackboneError as BackboneError
    from regraft.errors import DamagedFileError as DamagedFileError
    from regraft.errors import DataError as DataError
    from regraft.errors import DivergedError as DivergedError
    from regraft.errors import GuardError as GuardError
    from regraft.errors import RegraftError as RegraftError
    from regraft.errors import SettingsError as SettingsError
    from regraft.errors import StoppedError as StoppedError
    from regraft.errors import StorageError as StorageError
    from regraft.errors import UnreachableError as UnreachableError
    from regraft.errors import UserError as UserError
    from regraft.errors import WorldError as WorldError
    from regraft.runs.adapt import adapt as adapt
    from regraft.runs.compare import compare as compare
    from regraft.runs.estimator import TransferClassifier as TransferClassifier
    from regraft.runs.evaluate import evaluate as evaluate
    from regraft.runs.fit import fit as fit
    from regraft.runs.plan import plan as plan
    from regraft.runs.predict import predict as predict
    from regraft.runs.resume import resume as resume
    from regraft.runs.shift import shift as shift
    from regraft.runs.verify import verify as verify
    from regraft.serving.store import load as load

__version__ = "0.1.0"

# Read once by torch at its first large tensor: memory in pages of 2 MiB, where the system has
# them. A step's gradient of an embedding table is fresh memory, and its page faults cost more
# than its arithmetic.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# The whole Python surface. Nothing is imported before its name is asked for (PEP 562),
# so that `import regraft` and `regraft --help` do not wait for torch.
_PLACES = {
    "Backbone": "regraft.backbones.backbone:Backbone",
    "BackboneError": "regraft.errors:BackboneError",
    "DamagedFileError": "regraft.errors:DamagedFileError",
    "DataError": "regraft.errors:DataError",
    "DivergedError": "regraft.errors:DivergedError",
    "GuardError": "regraft.errors:GuardError",
    "ImageSpec": "regraft.data.spec:ImageSpec",
    "RegraftError": "regraft.errors:RegraftError",
    "SettingsError": "regraft.errors:SettingsError",
    "StoppedError": "regraft.errors:StoppedError",
    "StorageError": "regraft.errors:StorageError",
    "TextSpec": "regraft.data.spec:TextSpec",
    "TransferClassifier": "regraft.runs.estimator:TransferClassifier",
    "UnreachableError": "regraft.errors:UnreachableError",
    "UserError": "regraft.errors:UserError",
    "WorldError": "regraft.errors:WorldError",
    "adapt": "regraft.runs.adapt:adapt",
    "compare": "regraft.runs.compare:compare",
    "evaluate": "regraft.runs.evaluate:evaluate",
    "fit": "regraft.runs.fit:fit",
    "load": "regraft.serving.store:load",
    "open_module": "regraft.backbones.sources.module:open_module",
    "plan": "regraft.runs.plan:plan",
    "predict": "regraft.runs.predict:predict",
    "resume": "regraft.runs.resume:resume",
    "shift": "regraft.runs.shift:shift",
    "verify": "regraft.runs.verify:verify",
}

__all__ = [
    "Backbone",
    "BackboneError",
    "DamagedFileError",
    "DataError",
    "DivergedError",
    "GuardError",
    "ImageSpec",
    "RegraftError",
    "SettingsError",
    "StoppedError",
    "StorageError",
    "TextSpec",
    "TransferClassifier",
    "UnreachableError",
    "UserError",
    "WorldError",
    "__version__",
    "adapt",
    "compare",
    "evaluate",
    "fit",
    "load",
    "open_module",
    "plan",
    "predict",
    "resume",
    "shift",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
