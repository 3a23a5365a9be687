"""The main job on a real server behind a proxy that spoils every fifth call."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.agent.runs import finish, start
from tests.agent.served import running
from tests.vllm.proxy import FAULTS, Call, Proxy
from tests.vllm.test_runs import served, spec_of

pytestmark = pytest.mark.vllm
LOST = ("html", "reset", "stall", "cut", "nonsense")
"""What may have been paid for."""
PROBES = ("Write the number 73", "Say hello.", "One, two, three,", "Write a number.")


def generated(call: Call) -> bool:
    """No probe: those are asked anew by each process, and are not stored."""
    return not any(probe in call.request.decode() for probe in PROBES)


def test_a_run_behind_spoilt_lines_ends_as_well_and_pays_for_what_was_delivered(server: str, tmp_path: Path):
    with running(Proxy(server, seed=1)) as proxy:
        folder = start(tmp_path, spec_of(served(proxy.root), pairs=50))
        result = finish(folder)
    assert result.end == "done", result
    assert set(proxy.faults()) >= set(FAULTS)
    whole = [call for call in proxy.log if call.is_whole]
    with closing(sqlite3.connect(folder.store_file)) as store:
        (calls,) = store.execute("SELECT count(*) FROM calls").fetchone()
        rows = store.execute("SELECT outcome, tokens_in, tokens_out FROM attempts").fetchall()
    assert calls == sum(generated(call) for call in whole), "an answer that came is not asked for again"
    used = [json.loads(call.answer.body)["usage"] for call in whole if call.answer is not None]
    paid = [row for row in rows if row[0] == "answer"]
    assert len(paid) == len(used)
    assert sum(row[1] for row in paid) == sum(usage["prompt_tokens"] for usage in used)
    assert sum(row[2] for row in paid) == sum(usage["completion_tokens"] for usage in used)
    assert len(rows) == len(proxy.log)
    lost = [row for row in rows if row[0] == "lost"]
    assert len(lost) == sum(proxy.faults()[fault] for fault in LOST)
    assert all(row[1] > 0 and row[2] > 0 for row in lost), "at their reserve"
