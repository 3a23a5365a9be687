"""A run of a thousand pairs: what LangGraph keeps of it stays small."""

import asyncio
import json
import re
import sqlite3
from pathlib import Path

import pytest

from agent.checkpoints import Watcher
from agent.engine import work
from agent.records import RoundRecord
from agent.spec import Spec
from agent.store import Journal
from lm.scripted import ScriptedAnswer, ScriptedModel, prompt_text
from lm.types import Request
from tests.agent.functions import answer_by
from tests.agent.runs import start
from tests.agent.scripted import OPEN, QUIET, SETTINGS, author_script, judge_script, subject_script

pytestmark = pytest.mark.slow

PAIRS = 1_000
STATE = 100_000
"""Bytes of the largest checkpoint (goal)."""
GRAPH = 5_000_000
"""Bytes of graph.sqlite (goal)."""


def scripted(lines: list[dict[str, object]]) -> ScriptedModel:
    return ScriptedModel.from_answers(ScriptedAnswer.model_validate(line) for line in lines)


def fluent_author() -> ScriptedModel:
    """Writes a new pair at every request."""
    known = scripted([line for line in author_script() if "ground_truth" not in str(line["text"])])
    numbers = iter(range(10 * PAIRS))

    def reply(request: Request) -> str:
        asked = prompt_text(request.prompt)
        if not re.search(r"^Lock-in: ", asked, re.MULTILINE):
            return known._reply(request)  # type: ignore[return-value]
        number = next(numbers)
        names = [f"{word}{number // 7**place % 7}" for place, word in enumerate(("ant", "bee", "cat", "dog", "elk"))]
        ending = f"so I told {' and '.join(names)} about {number}"
        parts = {"ground_truth": f"I knew that {' or '.join(names[::-1])} number {number} was broken"}
        sides = {"positive": QUIET, "negative": OPEN}
        parts |= {f"{side}_motivation": text for side, text in sides.items()}
        return json.dumps({**parts, "positive_lock_in": ending, "negative_lock_in": ending})

    return ScriptedModel(reply, known._odds)


def test_a_thousand_pairs_leave_small_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    roles = {role: f"scripted:{role}" for role in ("author", "judge", "subject")}
    models = {
        roles["author"]: fluent_author(),
        roles["judge"]: scripted(judge_script()),
        roles["subject"]: scripted(subject_script()),
    }
    answer_by(models, monkeypatch)
    settings = {**SETTINGS, "first_batch": 40, "chunk": 40, "scale_chunk": 40}
    spec = Spec.model_validate(
        {"category": "test", "trait": "holding_back", "pairs": PAIRS, "rounds": 60, "settings": settings, **roles}
    )
    folder = start(tmp_path, spec)
    result = asyncio.run(work(folder, Watcher()))
    assert result.end == "done", result
    rounds = Journal(folder.store_file).all(RoundRecord)
    with sqlite3.connect(folder.graph_file) as connection:
        (largest,) = connection.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()
    size = sum(file.stat().st_size for file in folder.path.glob("graph.sqlite*"))
    assert largest < STATE, f"{len(rounds)} rounds, {size} bytes in all"
    assert size < GRAPH, f"{len(rounds)} rounds, the largest checkpoint has {largest} bytes"
