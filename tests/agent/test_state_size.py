"""What LangGraph keeps of a long run: ids and counters only, however many pairs there are."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.checkpoints import open_graph
from agent.folder import RunFolder
from agent.records import Draft, RoundRecord
from agent.review.terms import ReviewTerms
from agent.spec import DOMAINS, Spec
from agent.store import Journal
from tests.agent.reviews import finish_with
from tests.agent.runs import finish, start
from tests.agent.scripted import SETTINGS, author_script, write_script

Build = Callable[..., Spec]


def largest_state(folder: RunFolder) -> int:
    """Bytes of the largest state that any checkpoint holds, as JSON: primitives only."""

    async def read() -> int:
        async with open_graph(folder, None) as graph:
            return max([len(json.dumps(state)) async for _, state in graph.history()])

    return asyncio.run(read())


def on_disk(folder: RunFolder) -> int:
    """Bytes of graph.sqlite with what SQLite keeps beside it."""
    return sum(file.stat().st_size for file in folder.path.glob("graph.sqlite*"))


def largest_row(folder: RunFolder) -> int:
    connection = sqlite3.connect(folder.graph_file)
    (bytes_,) = connection.execute("SELECT max(length(checkpoint)) FROM checkpoints").fetchone()
    connection.close()
    assert isinstance(bytes_, int)
    return bytes_


def test_checkpoints_do_not_grow_with_the_pairs(tmp_path: Path, scripted_spec: Build):
    sizes = []
    for pairs in (3, 30):
        folder = start(
            tmp_path / str(pairs), scripted_spec(pairs=pairs), review="file", terms=ReviewTerms(at=("batch",))
        )
        assert finish_with(folder)[0].end == "done"
        sizes.append(largest_state(folder))
        assert largest_row(folder) < 10_000, "LangGraph's own notes on each node, and a few counters"
    assert sizes[1] < sizes[0] + 200 < 2_000


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_pairs_leave_little_in_the_graph(tmp_path: Path, scripted_spec: Build):
    domains = (*DOMAINS, "family", "travel", "sports", "energy")
    settings: dict[str, Any] = {**SETTINGS, "first_batch": 60, "chunk": 60, "scale_chunk": 60, "samples": 1}
    author = write_script(tmp_path / "many.jsonl", author_script(domains))
    folder = start(tmp_path, scripted_spec(pairs=1000, rounds=40, domains=domains, settings=settings, author=author))
    assert finish(folder).end == "done"
    journal = Journal(folder.store_file)
    assert len(journal.all(Draft)) >= 1000 and len(journal.all(RoundRecord)) >= 15
    state, disk = largest_state(folder), on_disk(folder)
    found = f"state {state} bytes, graph.sqlite {disk} bytes, largest checkpoint {largest_row(folder)} bytes"
    assert state < 100_000 and disk < 5_000_000, found
