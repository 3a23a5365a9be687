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
    from steer.captures import Capture, Shift, capture, shifts
    from steer.evaluation import EvaluationSettings, evaluate
    from steer.generation import Row, generate
    from steer.heat import heat_page
    from steer.intervention import steered, steered_rows
    from steer.operators import ALL, GENERATED, PROMPT, Clamp, Push, Tokens, When, ablate
    from steer.projection import Projections, Reading, project, watch
    from steer.report import SteeringReport
    from steer.scoring import Answer, Marks, Question, Scorer, judged, questions_of
    from steer.side_effects import Aside
    from steer.strengths import SearchRule, search
    from steer.writing import LocalWriter, StoredWriter, Writer

_HOMES = {
    "ALL": "steer.operators",
    "GENERATED": "steer.operators",
    "PROMPT": "steer.operators",
    "Answer": "steer.scoring",
    "Aside": "steer.side_effects",
    "Capture": "steer.captures",
    "Clamp": "steer.operators",
    "EvaluationSettings": "steer.evaluation",
    "LocalWriter": "steer.writing",
    "Marks": "steer.scoring",
    "Projections": "steer.projection",
    "Push": "steer.operators",
    "Question": "steer.scoring",
    "Reading": "steer.projection",
    "Row": "steer.generation",
    "Scorer": "steer.scoring",
    "SearchRule": "steer.strengths",
    "Shift": "steer.captures",
    "SteeringReport": "steer.report",
    "StoredWriter": "steer.writing",
    "Tokens": "steer.operators",
    "When": "steer.operators",
    "Writer": "steer.writing",
    "ablate": "steer.operators",
    "capture": "steer.captures",
    "evaluate": "steer.evaluation",
    "generate": "steer.generation",
    "heat_page": "steer.heat",
    "judged": "steer.scoring",
    "project": "steer.projection",
    "questions_of": "steer.scoring",
    "search": "steer.strengths",
    "shifts": "steer.captures",
    "steered": "steer.intervention",
    "steered_rows": "steer.intervention",
    "watch": "steer.projection",
}

__all__ = [
    "ALL",
    "GENERATED",
    "PROMPT",
    "Answer",
    "Aside",
    "Capture",
    "Clamp",
    "EvaluationSettings",
    "LocalWriter",
    "Marks",
    "Projections",
    "Push",
    "Question",
    "Reading",
    "Row",
    "Scorer",
    "SearchRule",
    "Shift",
    "SteeringReport",
    "StoredWriter",
    "Tokens",
    "When",
    "Writer",
    "ablate",
    "capture",
    "evaluate",
    "generate",
    "heat_page",
    "judged",
    "project",
    "questions_of",
    "search",
    "shifts",
    "steered",
    "steered_rows",
    "watch",
]


def __getattr__(name: str) -> object:
    """Import the home of a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'steer' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
