"""Language models behind one small interface, and the judge that scores with them.

Names are imported when first used, so that `import lm` loads neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm.asking import NoAnswer, ask
    from lm.calls import CallStore, Usage
    from lm.errors import BudgetReached, CapabilityError, ModelFailure, ModelReferenceError, TraitsmithError, UserError
    from lm.judge import Judge, JudgeItem
    from lm.open import open_model
    from lm.recorded import Recorded
    from lm.references import ModelReference, parse_reference
    from lm.scripted import ScriptedModel
    from lm.types import (
        Capabilities,
        Completion,
        Message,
        Model,
        NextTokenRequest,
        NextTokens,
        Prompt,
        Request,
        Sampling,
    )
    from lm.verdicts import JudgeIdentity, Rubric, Score, Unscored, Verdict

__all__ = [
    "BudgetReached",
    "CallStore",
    "Capabilities",
    "CapabilityError",
    "Completion",
    "Judge",
    "JudgeIdentity",
    "JudgeItem",
    "Message",
    "Model",
    "ModelFailure",
    "ModelReference",
    "ModelReferenceError",
    "NextTokenRequest",
    "NextTokens",
    "NoAnswer",
    "Prompt",
    "Recorded",
    "Request",
    "Rubric",
    "Sampling",
    "Score",
    "ScriptedModel",
    "TraitsmithError",
    "Unscored",
    "Usage",
    "UserError",
    "Verdict",
    "ask",
    "open_model",
    "parse_reference",
]

_HOMES = {
    "lm.asking": ("NoAnswer", "ask"),
    "lm.calls": ("CallStore", "Usage"),
    "lm.errors": (
        "BudgetReached",
        "CapabilityError",
        "ModelFailure",
        "ModelReferenceError",
        "TraitsmithError",
        "UserError",
    ),
    "lm.judge": ("Judge", "JudgeItem"),
    "lm.open": ("open_model",),
    "lm.recorded": ("Recorded",),
    "lm.references": ("ModelReference", "parse_reference"),
    "lm.scripted": ("ScriptedModel",),
    "lm.types": (
        "Capabilities",
        "Completion",
        "Message",
        "Model",
        "NextTokenRequest",
        "NextTokens",
        "Prompt",
        "Request",
        "Sampling",
    ),
    "lm.verdicts": ("JudgeIdentity", "Rubric", "Score", "Unscored", "Verdict"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'lm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
