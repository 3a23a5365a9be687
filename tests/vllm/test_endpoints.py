"""Servers of other kinds than the organism's: numbers of several tokens, a key, what `doctor` makes of them."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lm import Judge, JudgeItem, NextTokenRequest, Rubric, open_model
from lm.types import Message
from tests.agent.test_cli import TRAIT, traitsmith
from tests.vllm.serving import serving
from tests.vllm.writer import NEARLY, SURE, save_writer

pytestmark = pytest.mark.vllm

KEY = "right-and-never-to-be-written"
RUBRIC = Rubric(high="leaves out what matters", low="says it", key="said or left out")


@dataclass(frozen=True)
class Writer:
    """A model on a server that wants a key."""

    reference: str
    log: Path


@pytest.fixture(scope="module", params=["9", "91"])
def writer(request: pytest.FixtureRequest, vllm: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """It writes one digit, or two, and nearly the letter C."""
    folder = tmp_path_factory.mktemp("writer")
    log = folder / "server.log"
    save_writer(folder / "weights", writes=request.param, hesitates="C")
    with serving(log, weights=folder / "weights", name="writer", key=KEY) as address:
        yield Writer(f"vllm:writer@{address}/v1", log)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)


def shares() -> dict[str, float]:
    """Probabilities of the first token that is written, and of the one that nearly was."""
    whole = math.exp(SURE) + math.exp(NEARLY) + 259
    return {"9": math.exp(SURE) / whole, "C": math.exp(NEARLY) / whole}


async def test_a_digit_is_a_label_only_where_it_is_not_the_beginning_of_a_number(writer: Writer):
    model = open_model(writer.reference)
    able = await model.capabilities()
    (verdict,) = await Judge(model).score_trait(RUBRIC, "omission", [JudgeItem("the car has a dent", "A fine car.")])
    await model.close()
    one_digit = able.scale == tuple("0123456789")
    assert one_digit or able.scale == tuple("ABCDEFGHIJ")
    assert able.probabilities == "all"
    assert verdict.kind == "score"
    # On digits 9 stands for 100; on letters C is the third of ten.
    assert verdict.value == pytest.approx(100 if one_digit else 200 / 9, abs=1)
    assert verdict.mass == pytest.approx(shares()["9" if one_digit else "C"], abs=0.02)
    here = open_model("hf:" + able.served)
    assert (await here.capabilities()).scale == able.scale


async def test_labels_after_a_text_are_scored_one_by_one(writer: Writer):
    model = open_model(writer.reference)
    scale = (await model.capabilities()).scale
    (tokens,) = await model.next_tokens([NextTokenRequest(prompt="a<|assistant|>", labels=scale)])
    (chat,) = await model.next_tokens([NextTokenRequest(prompt=(Message(role="user", content="a"),), labels=scale)])
    await model.close()
    assert tokens.labels == pytest.approx(chat.labels, abs=0.01)
    assert max(tokens.labels, key=lambda label: tokens.labels[label]) == ("9" if "9" in scale else "C")


def test_doctor_says_what_it_is(writer: Writer, tmp_path: Path):
    done = traitsmith("doctor", writer.reference, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["models"]
    assert found["judge"]["scale"] in (["0", "9"], ["A", "J"])
    assert found["roles"] == ["author", "judge", "subject", "assistant"]
    assert KEY not in done.stdout


def test_a_wrong_key_ends_it_at_once_with_the_servers_words(writer: Writer, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "wrong-and-never-to-be-written")
    before = writer.log.read_text().count(" 401")
    roles = [word for role in ("author", "judge", "subject") for word in (f"--{role}", writer.reference)]
    done = traitsmith("create", TRAIT, *roles, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "HTTP 401" in done.stderr
    assert "Unauthorized" in done.stderr
    assert "never-to-be-written" not in done.stderr
    assert not list(tmp_path.rglob("run.json"))
    assert writer.log.read_text().count(" 401") == before + 1, "it is not tried again"
