"""Directions to behaviour, measured: pushes inside `with`, batched generation, strength search, evaluation.

    from steer import Push, steered

    push = Push(directions[14], norms=1.0)
    with steered(model, push):
        model.generate(**batch)

Names are looked up when first used, so importing this package loads neither torch nor transformers.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from steer.evaluation import EvaluationSettings, evaluate
    from steer.generation import Row, generate
    from steer.intervention import steered, steered_rows
    from steer.operators import ALL, GENERATED, PROMPT, Push, Tokens
    from steer.projection import project
    from steer.report import SteeringReport
    from steer.scoring import Answer, Marks, Question, Scorer, judged, questions_of
    from steer.strengths import SearchRule, search

_HOMES = {
    "ALL": "steer.operators",
    "GENERATED": "steer.operators",
    "PROMPT": "steer.operators",
    "Answer": "steer.scoring",
    "EvaluationSettings": "steer.evaluation",
    "Marks": "steer.scoring",
    "Push": "steer.operators",
    "Question": "steer.scoring",
    "Row": "steer.generation",
    "Scorer": "steer.scoring",
    "SearchRule": "steer.strengths",
    "SteeringReport": "steer.report",
    "Tokens": "steer.operators",
    "evaluate": "steer.evaluation",
    "generate": "steer.generation",
    "judged": "steer.scoring",
    "project": "steer.projection",
    "questions_of": "steer.scoring",
    "search": "steer.strengths",
    "steered": "steer.intervention",
    "steered_rows": "steer.intervention",
}

__all__ = [
    "ALL",
    "GENERATED",
    "PROMPT",
    "Answer",
    "EvaluationSettings",
    "Marks",
    "Push",
    "Question",
    "Row",
    "Scorer",
    "SearchRule",
    "SteeringReport",
    "Tokens",
    "evaluate",
    "generate",
    "judged",
    "project",
    "questions_of",
    "search",
    "steered",
    "steered_rows",
]


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'steer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
