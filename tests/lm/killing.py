"""Kill a process that asks a server again and again, and compare what it stored with what was delivered."""

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Protocol

ROOT = Path(__file__).parents[2]
KILLED = """
import asyncio, sys
from pathlib import Path
from lm.calls import CallStore
from lm.recorded import Recorded
from lm.ledger import Ledger
from lm.open import open_model
from lm.prices import load_prices
from tests.lm.test_limits import requests

store = CallStore(Path(sys.argv[1]))
model = Recorded(open_model(sys.argv[2]), store, role="author", ledger=Ledger(store, load_prices(Path(sys.argv[3]))))

async def ask():
    await model.complete(requests(500))
    await model.close()

asyncio.run(ask())
"""


class Watched(Protocol):
    """A server, or what stands before one, that knows what it was asked and what it delivered."""

    number: int
    """Requests that generate, so far."""
    inside: int
    """Requests that it deals with now."""

    @property
    def connections(self) -> int: ...

    @property
    def delivered(self) -> Counter[str]:
        """Requests that were answered whole, as JSON with sorted keys."""
        ...


async def kill_again_and_again(server: Watched, reference: str, folder: Path, kills: int) -> None:
    """Have 500 requests asked by a process that dies at random moments, and by a last one that does not.

    What is on disk is never asked for again, every answer is stored once, and the ledger holds all that was delivered.
    """
    random = Random(kills)
    file, prices = folder / "store.sqlite", folder / "prices.toml"
    prices.write_text(f'dated = "today"\n[models."{reference}"]\ninput = 1.0\noutput = 1.0\n')
    command = [sys.executable, "-c", KILLED, str(file), reference, str(prices)]
    done = False
    for _ in range(kills):
        kept, before = _on_disk(file), _paid(server)
        done = await _live_and_die(server, command, random.randint(0, 800 // kills), random.random() / 10)
        after = _paid(server)
        assert {n: before[n] for n in kept} == {n: after[n] for n in kept}, "what is on disk is not asked for again"
    if not done:
        assert await asyncio.to_thread(subprocess.call, command, cwd=ROOT) == 0
    assert set(_paid(server)) == set(range(500))
    with closing(sqlite3.connect(file)) as store:
        assert store.execute("SELECT count(*), count(DISTINCT key) FROM calls").fetchone() == (500, 500)
        # What a process was waiting for when it died stays open, at its worst case.
        booked = dict(store.execute("SELECT outcome, count(*) FROM attempts WHERE usd > 0 GROUP BY outcome"))
    assert booked["answer"] >= 500
    assert sum(server.delivered.values()) <= sum(booked.values()), "all that was delivered is in the ledger"


async def _live_and_die(server: Watched, command: list[str], after: int, pause: float) -> bool:
    """Run until so many requests have come and a moment more, then kill; whether it had ended by itself.

    Returns when the server has dealt with all that the dead process had sent.
    """
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    before = server.number
    while server.number < before + after and process.poll() is None:
        await asyncio.sleep(0.02)
    await asyncio.sleep(pause)
    done = process.poll() == 0
    process.kill()
    process.wait()
    while server.inside or server.connections:
        await asyncio.sleep(0.02)
    return done


def _paid(server: Watched) -> Counter[int]:
    """How often the answer to each numbered request was delivered."""
    times: Counter[int] = Counter()
    for body, count in server.delivered.items():
        if found := re.search(r'"content": "number (\d+)"', body):
            times[int(found[1])] += count
    return times


def _on_disk(file: Path) -> set[int]:
    """The numbered requests whose answers are stored."""
    if not file.exists():
        return set()
    with closing(sqlite3.connect(file)) as store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'calls'").fetchone():
            return set()
        requests_kept = [json.loads(row[0]) for row in store.execute("SELECT request FROM calls")]
    return {int(request["prompt"][0]["content"].split()[1]) for request in requests_kept}
