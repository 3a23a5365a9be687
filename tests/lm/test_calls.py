import asyncio
import sqlite3
from collections.abc import Iterator

import pytest

from lm.calls import Call, CallStore, Usage, now, total_usd
from lm.errors import ModelFailure, UserError
from lm.local.model import LocalModel
from lm.recorded import Recorded
from lm.scripted import ScriptedModel
from lm.types import Completion, Message, NextTokenRequest, Request, Sampling


@pytest.fixture
def store(tmp_path) -> Iterator[CallStore]:
    opened = CallStore(tmp_path / "store.sqlite")
    yield opened
    opened.close()


def requests(count: int, word: str = "text") -> list[Request]:
    return [Request(prompt=f"{word} {n}", sampling=Sampling(max_tokens=8, seed=n)) for n in range(count)]


class Counting:
    """A model that counts the lists it is given, and may fail at one of them."""

    def __init__(self, model: LocalModel | ScriptedModel, fail_at: int | None = None) -> None:
        self.reference = model.reference
        self.model = model
        self.fail_at = fail_at
        self.lists: list[int] = []
        self.capabilities = model.capabilities
        self.count_tokens = model.count_tokens
        self.next_tokens = model.next_tokens

    async def complete(self, some):
        if len(self.lists) + 1 == self.fail_at:
            raise KeyboardInterrupt
        self.lists.append(len(some))
        return await self.model.complete(some)


async def test_an_answer_is_asked_for_once(store, model: LocalModel):
    counting = Counting(model)
    first = await Recorded(counting, store, role="author").complete(requests(5))
    second = await Recorded(counting, store, role="author").complete(requests(5))
    assert first == second == await model.complete(requests(5))
    assert counting.lists == [5]


async def test_killed_in_the_second_chunk_it_resumes_with_the_same_answers_and_no_double_calls(
    store, tmp_path, model: LocalModel
):
    expected = await Recorded(model, CallStore(tmp_path / "other.sqlite"), role="author", chunk=4).complete(
        requests(10)
    )
    with pytest.raises(KeyboardInterrupt):
        await Recorded(Counting(model, fail_at=2), store, role="author", chunk=4).complete(requests(10))
    counting = Counting(model)
    assert await Recorded(counting, store, role="author", chunk=4).complete(requests(10)) == expected
    assert counting.lists == [4, 2]
    assert store.usage()[0].calls == 10


async def test_a_chunk_with_a_missing_row_runs_as_a_whole_and_keeps_its_first_answers(store):
    replies = iter("abcdefgh")
    model = Counting(ScriptedModel(lambda _: next(replies), lambda _: {}))
    await Recorded(model, store, role="author").complete([requests(3)[1]])
    completions = await Recorded(model, store, role="author").complete(requests(3))
    assert model.lists == [1, 3]
    assert [completion.text for completion in completions] == ["b", "a", "d"]
    assert store.usage()[0].calls == 3


async def test_the_same_request_twice_in_a_list_is_two_samples(store):
    replies = iter("abcd")
    recorded = Recorded(ScriptedModel(lambda _: next(replies), lambda _: {}), store, role="subject")
    twice = requests(1) * 2
    for _ in range(2):
        assert [completion.text for completion in await recorded.complete(twice)] == ["a", "b"]


@pytest.mark.parametrize(("finish", "asked"), [("refusal", 2), ("error", 2), ("length", 1), ("stop", 1)])
async def test_errors_and_refusals_are_kept_but_not_served(store, finish, asked):
    model = Counting(ScriptedModel(lambda _: Completion(text="x", finish=finish), lambda _: {}))
    for _ in range(2):
        (completion,) = await Recorded(model, store, role="author").complete(requests(1))
        assert completion.finish == finish
    assert len(model.lists) == asked
    assert store.usage()[0].calls == asked


async def test_every_part_of_a_request_is_in_its_key(store):
    count = 0

    def reply(_: Request) -> str:
        nonlocal count
        count += 1
        return str(count)

    base = Request(prompt="x", sampling=Sampling(max_tokens=8))
    variants = [
        base,
        base.model_copy(update={"prompt": "y"}),
        base.model_copy(update={"prompt": (Message(role="user", content="x"),)}),
        base.model_copy(update={"sampling": Sampling(max_tokens=9)}),
        base.model_copy(update={"sampling": Sampling(max_tokens=8, temperature=0.5)}),
        base.model_copy(update={"sampling": Sampling(max_tokens=8, seed=1)}),
        base.model_copy(update={"output_schema": {"type": "object"}}),
    ]
    for reference in ("scripted:one", "scripted:two"):
        for variant in variants:
            await Recorded(ScriptedModel(reply, lambda _: {}, reference), store, role="author").complete([variant])
    assert count == 2 * len(variants)


async def test_probabilities_are_stored_to_the_last_bit(store, model: LocalModel):
    asked = [NextTokenRequest(prompt="x", labels=(" 1", " 2"), top=3)]
    recorded = Recorded(model, store, role="judge")
    assert await recorded.next_tokens(asked) == await recorded.next_tokens(asked)


async def test_a_probability_of_zero_survives_the_store(store):
    recorded = Recorded(ScriptedModel(lambda _: "", lambda _: {"80": 1.0}), store, role="judge")
    asked = [NextTokenRequest(prompt="x", labels=("0", "80"))]
    assert await recorded.next_tokens(asked) == await recorded.next_tokens(asked)


async def test_usage_is_booked_by_role_and_step(store, model: LocalModel):
    author, judge = Recorded(model, store, role="author"), Recorded(model, store, role="judge")
    with store.during("draft"):
        done = await author.complete(requests(3))
    with store.during("test"):
        await author.complete(requests(2, "other"))
        await judge.next_tokens([NextTokenRequest(prompt="x", labels=(" 1",))])
    booked = store.usage()
    assert [(row.role, row.step, row.calls) for row in booked] == [
        ("author", "draft", 3),
        ("author", "test", 2),
        ("judge", "test", 1),
    ]
    assert booked[0].tokens_in == sum(completion.tokens_in for completion in done)
    assert booked[0].tokens_out == sum(completion.tokens_out for completion in done)
    assert booked[0].seconds > 0


async def test_other_tables_in_the_file_are_left_alone(tmp_path, model: LocalModel):
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE pairs (id)")
        connection.execute("INSERT INTO pairs VALUES (1)")
    store = CallStore(path)
    await Recorded(model, store, role="author").complete(requests(2))
    store.close()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM pairs").fetchone() == (1,)


def test_a_file_that_is_no_database_is_one_clear_error(tmp_path):
    (tmp_path / "store.sqlite").write_text("not a database, but long enough to be taken for one" * 20)
    with pytest.raises(UserError, match="cannot be used as a call store"):
        CallStore(tmp_path / "store.sqlite")


async def test_a_failing_model_stores_nothing_of_its_chunk(store):
    def fail(_: Request) -> str:
        raise ModelFailure("gone")

    with pytest.raises(ModelFailure):
        await Recorded(ScriptedModel(fail, lambda _: {}), store, role="author").complete(requests(2))
    assert store.usage() == []


async def test_it_is_a_model_itself(store, model: LocalModel):
    recorded = Recorded(model, store, role="author")
    assert recorded.reference == model.reference
    assert await recorded.capabilities() == await model.capabilities()
    assert recorded.count_tokens("abc") == model.count_tokens("abc")
    assert await recorded.complete([]) == []


async def test_what_is_saved_is_on_disk_and_what_comes_together_is_written_together(store, tmp_path):
    commits: list[str] = []
    store._connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    reader = sqlite3.connect(tmp_path / "store.sqlite")

    async def keep(number: int) -> None:
        await asyncio.sleep(number % 10 / 1000)
        store.put(Call(str(number), "author", "draft", "scripted", "complete", "{}", "{}", 1, 1, 0.0, now()))
        await store.saved()
        assert reader.execute("SELECT count(*) FROM calls WHERE key = ?", (str(number),)).fetchone() == (1,)

    await asyncio.gather(*map(keep, range(300)))
    assert len(commits) < 30
    reader.close()


async def test_what_could_not_be_written_is_written_later(store, tmp_path):
    other = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    other.execute("ALTER TABLE calls RENAME TO elsewhere")
    store.put(Call("a", "author", "draft", "scripted", "complete", "{}", "{}", 1, 1, 0.0, now()))
    with pytest.raises(sqlite3.OperationalError, match="no such table: calls"):
        await store.flush()
    other.execute("ALTER TABLE elsewhere RENAME TO calls")
    store.put(Call("b", "author", "draft", "scripted", "complete", "{}", "{}", 1, 1, 0.0, now()))
    await store.flush()
    assert other.execute("SELECT key FROM calls ORDER BY rowid").fetchall() == [("a",), ("b",)]
    other.close()


def test_a_loop_that_was_stopped_while_it_saved_leaves_nothing_behind(store):
    async def stopped() -> None:
        store.put(Call("a", "author", "draft", "scripted", "complete", "{}", "{}", 1, 1, 0.0, now()))
        task = asyncio.create_task(store.saved())
        await asyncio.sleep(0)
        task.cancel()

    async def another() -> None:
        store.put(Call("b", "author", "draft", "scripted", "complete", "{}", "{}", 1, 1, 0.0, now()))
        await store.saved()

    asyncio.run(stopped())
    asyncio.run(another())
    assert store.usage()[0].calls == 2


def test_costs_add_up_unless_one_is_unknown() -> None:
    rows = [Usage("judge", "cut", "a", 1, 1, 1, 0.1, usd=usd) for usd in (0.1, 0.2)]
    assert total_usd(rows) == 0.3
    assert total_usd([]) == 0.0
    assert total_usd([*rows, Usage("author", "cut", "b", 1, 1, 1, 0.1, usd=None)]) is None
