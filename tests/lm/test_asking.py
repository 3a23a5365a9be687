import pytest
from pydantic import BaseModel, Field

from lm.asking import NoAnswer, ask
from lm.errors import CapabilityError
from lm.rendering import render_chat
from lm.scripted import ScriptedModel, prompt_text
from lm.types import Capabilities, Completion, Request
from prompts import PromptError, load_prompt

VALUES = {"trait": "omission", "high": "h", "low": "l", "key": "k", "side": "positive", "scenario": "I said"}


class Guess(BaseModel):
    percent: int = Field(ge=0, le=100)


class Author(ScriptedModel):
    """Gives its answers in order and remembers what it was asked."""

    def __init__(self, *answers: str | Completion, context: int = 10_000, chat: bool = True) -> None:
        can = Capabilities(context=context, chat=chat, structured=True, scale=())
        self.asked: list[Request] = []
        left = list(answers)

        def reply(request: Request) -> str | Completion:
            self.asked.append(request)
            return left.pop(0)

        super().__init__(reply, lambda _: {}, capabilities=can)


async def guesses(author: Author, count: int = 1) -> list[Guess | NoAnswer]:
    seeds = range(100, 100 + count)
    return await ask(author, "predict_completion", [VALUES] * count, Guess, seeds=seeds, max_tokens=50)


async def test_answers_are_typed_and_each_item_has_its_seed():
    author = Author('{"percent":10}', '{"percent":20}')
    assert await guesses(author, 2) == [Guess(percent=10), Guess(percent=20)]
    assert [request.sampling.seed for request in author.asked] == [100, 101]
    assert author.asked[0].output_schema == Guess.model_json_schema()
    assert "I said" in prompt_text(author.asked[0].prompt)


@pytest.mark.parametrize(
    "bad", ["no json", '{"percent":700}', "{}", Completion(text='{"perc', finish="length", tokens_out=50)]
)
async def test_a_malformed_or_cut_answer_is_asked_again_once_with_another_seed(bad):
    author = Author('{"percent":1}', bad, '{"percent":2}')
    assert await guesses(author, 2) == [Guess(percent=1), Guess(percent=2)]
    assert len({request.sampling.seed for request in author.asked}) == 3
    assert author.asked[2].prompt == author.asked[1].prompt


async def test_after_the_second_try_the_item_has_no_answer_and_a_reason():
    (answer,) = await guesses(Author("no", '{"percent":700}'))
    assert isinstance(answer, NoAnswer)
    assert "percent" in answer.reason
    assert answer.text == '{"percent":700}'


async def test_a_refusal_is_a_result_and_is_not_asked_again():
    author = Author(Completion(text="", finish="refusal", reason="bio"))
    (answer,) = await guesses(author)
    assert isinstance(answer, NoAnswer)
    assert answer.reason == "refusal: bio"
    assert len(author.asked) == 1


async def test_a_greedy_second_try_is_warmer():
    author = Author("no", '{"percent":1}')
    await ask(author, "predict_completion", [VALUES], Guess, seeds=[1], max_tokens=9, temperature=0)
    assert [request.sampling.temperature > 0 for request in author.asked] == [False, True]


async def test_optional_blocks_are_dropped_until_the_prompt_fits():
    values = {name: f"<{name}> " * 40 for name in load_prompt("draft_pair").variables}
    whole, small = Author('{"percent":1}'), Author('{"percent":1}', context=1250)
    for author in (whole, small):
        await ask(author, "draft_pair", [values], Guess, seeds=[1], max_tokens=50)
    assert "<avoid>" in prompt_text(whole.asked[0].prompt)
    assert "<avoid>" not in prompt_text(small.asked[0].prompt)
    assert "<definition>" in prompt_text(small.asked[0].prompt)


async def test_a_model_that_cannot_take_the_prompt_is_refused_before_anything_is_asked():
    with pytest.raises(CapabilityError, match="does not fit"):
        await guesses(Author(context=60))
    with pytest.raises(CapabilityError, match="does not fit"):
        await guesses(Author(context=60), 2)
    long_rubric = [{**VALUES, "high": "h " * 4000, "scenario": scenario} for scenario in ("I said", "He said")]
    with pytest.raises(CapabilityError, match="does not fit"):
        await ask(Author(context=1000), "predict_completion", long_rubric, Guess, seeds=[1, 2], max_tokens=50)
    with pytest.raises(CapabilityError, match="no chat template"):
        await guesses(Author(chat=False))
    with pytest.raises(PromptError, match="missing variables"):
        await ask(Author(), "predict_completion", [{}], Guess, seeds=[1], max_tokens=9)


async def test_an_item_that_does_not_fit_is_no_answer_and_the_others_are_asked():
    author = Author('{"percent":1}', '{"percent":2}', context=1000)
    items = [VALUES, {**VALUES, "scenario": "I said " * 2000}, VALUES]
    found = await ask(author, "predict_completion", items, Guess, seeds=[1, 2, 3], max_tokens=50)
    assert [found[0], found[2]] == [Guess(percent=1), Guess(percent=2)]
    assert isinstance(found[1], NoAnswer)
    assert "does not fit" in found[1].reason
    assert [request.sampling.seed for request in author.asked] == [1, 3]


@pytest.mark.parametrize("scenarios", [("I said",), ("I said", "He said")])
async def test_where_every_item_is_itself_too_long_none_has_an_answer_and_nothing_is_raised(scenarios: tuple[str, ...]):
    items = [{**VALUES, "scenario": scenario * 2000} for scenario in scenarios]
    seeds = range(len(items))
    found = await ask(Author(context=1000), "predict_completion", items, Guess, seeds=seeds, max_tokens=50)
    assert [isinstance(answer, NoAnswer) and "does not fit" in answer.reason for answer in found] == [True] * len(items)


async def test_in_a_small_context_the_answer_gives_way_before_the_prompt_does():
    author = Author('{"percent":1}', context=10_000)
    needed = author.count_tokens(render_chat(author, await author.capabilities(), "predict_completion", VALUES, 1))
    author = Author('{"percent":1}', context=needed + 30)
    await ask(author, "predict_completion", [VALUES], Guess, seeds=[1], max_tokens=50, least_tokens=20)
    assert author.asked[0].sampling.max_tokens == 30
