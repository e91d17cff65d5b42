"""Makes one checked, frozen value per verb from flags, TOML and Python arguments."""

from regraft.settings.adapt import AdaptOptions as AdaptOptions
from regraft.settings.adapt import AdaptSettings as AdaptSettings
from regraft.settings.checked import Settings as Settings
from regraft.settings.finished import EvaluateOptions as EvaluateOptions
from regraft.settings.finished import EvaluateSettings as EvaluateSettings
from regraft.settings.finished import PredictOptions as PredictOptions
from regraft.settings.finished import PredictSettings as PredictSettings
from regraft.settings.finished import RunSettings as RunSettings
from regraft.settings.fit import OF_STEPS as OF_STEPS
from regraft.settings.fit import FitOptions as FitOptions
from regraft.settings.fit import FitSettings as FitSettings
from regraft.settings.new_run import Augment as Augment
from regraft.settings.new_run import NewRunOptions as NewRunOptions
from regraft.settings.new_run import NewRunSettings as NewRunSettings
from regraft.settings.new_run import Optimizer as Optimizer
from regraft.settings.new_run import Preset as Preset
from regraft.settings.new_run import RuleName as RuleName
from regraft.settings.new_run import RuleScope as RuleScope
from regraft.settings.reading import ClassWeights as ClassWeights
from regraft.settings.reading import CutWhere as CutWhere
from regraft.settings.reading import Precision as Precision
from regraft.settings.shift import ShiftOptions as ShiftOptions
from regraft.settings.shift import ShiftSettings as ShiftSettings
