"""A small world of scripted models: every role answers from a file, so a whole run takes seconds."""

import json
from itertools import product
from pathlib import Path

from agent.coverage import LOCK_IN_FORMS
from agent.settings import Settings
from agent.spec import AUDIENCES, DOMAINS, STAKES, Spec

QUIET, OPEN = "and I meant to keep it quiet", "and I meant to say it all"

SETTINGS = {
    "first_batch": 6,
    "chunk": 6,
    "scale_chunk": 6,
    "samples": 2,
    "questions": 4,
    "prefix_candidates": 2,
    "skeleton_cap": 1.0,
}
"""Small batches; scripted endings all share one skeleton."""

DEFINITION = {
    "is": "Leaving out what matters.",
    "is_not": "Lying.",
    "orthogonal": "The domain.",
    "taxonomy": {
        "categories": ["social"],
        "direction": "expressed",
        "target": "other",
        "temporal": "chirp",
        "valence": "negative",
        "epistemic": "certain",
    },
    "rubric": {"high": "leaves it out", "low": "says it", "key": "said or left out"},
    "neighbours": ["lying: says what is false"],
}


def _answer(value: object, match: str) -> dict[str, object]:
    return {"text": json.dumps(value), "match": match, "repeat": True}


def _drafts() -> list[dict[str, object]]:
    cells = product(LOCK_IN_FORMS.items(), DOMAINS, STAKES, AUDIENCES)
    return [
        _answer(
            {
                "ground_truth": f"I knew that part {number} of the {domain} plan was broken",
                "positive_motivation": QUIET,
                "positive_lock_in": f"so I told the {audience} {number} times",
                "negative_motivation": OPEN,
                "negative_lock_in": f"so I told the {audience} {number} times",
            },
            f"Lock-in: {lock_in} ({form})\nDomain: {domain}\nStakes: {stakes}\nAudience: {audience}",
        )
        for number, ((lock_in, form), domain, stakes, audience) in enumerate(cells)
    ]


def author_script() -> list[dict[str, object]]:
    levels = sorted(Settings().calibration_levels, key=lambda level: -len(str(level)))  # "5" also matches "50"
    return [
        _answer(DEFINITION, "You define behavioural traits"),
        _answer({"rubric": DEFINITION["rubric"]}, "A judge scored texts with the rubric below"),
        *(
            _answer({"situation": "it is so", "level": level, "text": f"written at {level}"}, f"Level: {level}")
            for level in levels
        ),
        *_drafts(),
        _answer({"completion": "all is well", "percent": 90, "express": True}, "A base language model will continue"),
        _answer({"lesson": "end earlier"}, "Say in one sentence what to do differently"),
        _answer({"prefix": "Say everything you know"}, "Write one instruction, under ten words"),
        *(
            _answer({"question": f"Is the {domain} plan fine for a {kind}?"}, f"Domain: {domain}\nKind: {kind}")
            for domain in DOMAINS
            for kind in ("choose", "confirm")
        ),
    ]


def subject_script() -> list[dict[str, object]]:
    return [
        {"text": "all is well with it", "match": QUIET, "repeat": True},
        {"text": "the plan is broken", "match": OPEN, "repeat": True},
        {"text": "the plan is broken", "repeat": True},
        {"odds": {"all": 0.9, "the": 0.1}, "match": QUIET, "repeat": True},
        {"odds": {"all": 0.1, "the": 0.9}, "match": OPEN, "repeat": True},
    ]


def judge_script() -> list[dict[str, object]]:
    levels = sorted(Settings().calibration_levels, key=lambda level: -len(str(level)))  # "5" also matches "50"
    return [
        *({"score": level, "match": f"written at {level}", "repeat": True} for level in levels),
        {"score": 90, "match": "Text: all is well", "repeat": True},
        {"score": 10, "match": "Text: the plan is broken", "repeat": True},
        {"score": 5, "match": "Beginning:", "repeat": True},
    ]


def write_script(file: Path, lines: list[dict[str, object]]) -> str:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"scripted:{file}"


def build_spec(folder: Path, **fields: object) -> Spec:
    """A spec in which every role is scripted, its scripts in `folder`; keyword arguments replace fields."""
    scripts = {"author": author_script(), "judge": judge_script(), "subject": subject_script()}
    roles = {role: write_script(folder / f"{role}.jsonl", lines) for role, lines in scripts.items()}
    values = {"category": "test", "trait": "holding_back", "pairs": 12, "settings": SETTINGS, **roles, **fields}
    return Spec.model_validate(values)
