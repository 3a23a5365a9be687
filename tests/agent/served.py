"""A provider in a thread of its own that plays every role from the scripts of the small world."""

import asyncio
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from agent.spec import Spec
from lm.scripted import Script, ScriptedAnswer
from lm.types import NextTokenRequest, Request, Sampling
from tests.agent.scripted import author_script, build_spec, judge_script, subject_script
from tests.lm.loopback import Loopback
from tests.lm.provider import Provider

LoopbackT = TypeVar("LoopbackT", bound=Loopback)


def scripted_provider(more: Sequence[dict[str, object]] = ()) -> Provider:
    """Answers as the scripts do (`more` lines at their end): texts by prompt, scores as odds of the first token."""
    lines = [*author_script(), *judge_script(), *subject_script(), *more]
    script = Script([ScriptedAnswer.model_validate(line) for line in lines])
    sampling = Sampling(max_tokens=1)
    provider = Provider()

    def say(body: dict[str, Any]) -> str:
        if "Say hello" in _prompt(body) or "number 73" in _prompt(body) or "One, two" in _prompt(body):
            return "73"
        return script.reply(Request(prompt=_prompt(body), sampling=sampling)).text

    def odds_of(body: dict[str, Any]) -> dict[str, float]:
        if "number 73" in _prompt(body):
            return {"73": -0.1}
        if not body.get("logprobs"):
            return {}
        odds = script.odds(NextTokenRequest(prompt=_prompt(body)))
        return {token: math.log(probability) for token, probability in odds.items()}

    provider.say, provider.odds_of = say, odds_of  # type: ignore[method-assign]
    return provider


def served_spec(folder: Path, provider: Provider, **fields: object) -> Spec:
    """The small world's spec with every role on the provider."""
    reference = f"openai:small@{provider.url}"
    return build_spec(folder, **{"author": reference, "judge": reference, "subject": reference, **fields})


@contextmanager
def running(provider: LoopbackT) -> Iterator[LoopbackT]:
    """A server, answering from another thread while this one does something else."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result(10)
    try:
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def wait_until_hung_up(provider: Provider) -> None:
    """Return once the provider has no connection left; TimeoutError after ten seconds."""
    ends = monotonic() + 10
    while provider.connections:
        if monotonic() > ends:
            raise TimeoutError(f"{provider.connections} connections are still open")
        sleep(0.01)


def _prompt(body: dict[str, Any]) -> str:
    if "prompt" in body:
        return str(body["prompt"])
    return "\n".join(turn["content"] for turn in body["messages"])
