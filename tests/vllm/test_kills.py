"""Killed again and again before a real server; a proxy that spoils nothing says what was delivered."""

from pathlib import Path

import pytest

from tests.lm.killing import kill_again_and_again
from tests.vllm.proxy import Proxy

pytestmark = pytest.mark.vllm


async def test_killed_fifty_times_every_answer_is_paid_once_but_those_in_flight(server: str, tmp_path: Path):
    async with Proxy(server, spoilt=0, nonsense=0) as proxy:
        await kill_again_and_again(proxy, f"vllm:organism@{proxy.url}", tmp_path, kills=50)
