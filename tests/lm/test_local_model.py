import asyncio
import json
import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from agent import decisions
from lm.errors import CapabilityError, ModelReferenceError, UserError
from lm.local.checkpoint import wrap_checkpoint
from lm.local.model import LocalModel
from lm.open import open_model
from lm.scales import DIGITS, LETTERS
from lm.types import Completion, Message, NextTokenRequest, Request, Sampling
from tests.lm.conftest import byte_tokenizer, tiny_llama

ASK = (Message(role="system", content="be brief"), Message(role="user", content="hello"))


def sampled(prompt, seed: int = 0, max_tokens: int = 20, schema=None) -> Request:
    return Request(prompt=prompt, sampling=Sampling(max_tokens=max_tokens, seed=seed), output_schema=schema)


async def test_the_same_list_gives_the_same_completions_in_order(model: LocalModel):
    requests = [sampled("word " * (n % 7 + 1), seed=n) for n in range(20)]
    first, second = await model.complete(requests), await model.complete(requests)
    assert first == second
    alone = [(await model.complete([request]))[0] for request in requests]
    assert [completion.text for completion in alone] == [completion.text for completion in first]


async def test_batches_side_by_side_and_one_after_another_give_the_same(model: LocalModel, monkeypatch):
    requests = [sampled(f"word {n}", seed=n) for n in range(20)]
    side_by_side = await model.complete(requests)
    monkeypatch.setattr("lm.local.model._SMALL", 0)
    assert await model.complete(requests) == side_by_side


async def test_ids_and_pieces_join_to_the_text(model: LocalModel):
    for completion in await model.complete([sampled("Grüße ", seed=n, max_tokens=40) for n in range(10)]):
        assert len(completion.pieces) == len(completion.token_ids) == completion.tokens_out
        assert "".join(completion.pieces) == completion.text
        whole = model.checkpoint.tokenizer.decode(
            [*completion.prompt_ids, *completion.token_ids], skip_special_tokens=True
        )
        assert whole == "Grüße " + completion.text
        assert completion.tokens_in == len(completion.prompt_ids)


async def test_a_text_prompt_begins_with_one_bos_and_a_chat_follows_the_template(model: LocalModel):
    plain, doubled, chat = await model.complete([sampled("ab"), sampled("<s>ab"), sampled(ASK)])
    spelled = model.checkpoint.tokenizer.convert_ids_to_tokens
    assert spelled(plain.prompt_ids) == spelled(doubled.prompt_ids) == ["<s>", "a", "b"]
    assert spelled(chat.prompt_ids)[:2] == ["<s>", "<|system|>"]
    assert spelled(chat.prompt_ids)[-1] == "<|assistant|>"
    assert model.count_tokens(ASK) == len(chat.prompt_ids)


async def test_what_it_can_do_is_read_off_the_checkpoint(model: LocalModel):
    can = await model.capabilities()
    assert (can.context, can.chat, can.structured, can.traits) == (2048, True, True, None)
    assert can.scale == tuple(f" {number}" for number in range(101))


async def test_without_numbers_of_one_token_it_is_digits_where_it_writes_one_and_stops_else_letters(monkeypatch):
    tokenizer = byte_tokenizer(with_numbers=False)
    bare = wrap_checkpoint(tiny_llama(len(tokenizer)), tokenizer)
    assert (await LocalModel("hf:bare", bare).capabilities()).scale == LETTERS

    async def write_a_digit(self, requests):
        return [Completion(text="9", finish="stop") for _ in requests]

    monkeypatch.setattr(LocalModel, "complete", write_a_digit)
    assert (await LocalModel("hf:bare", bare).capabilities()).scale == DIGITS


async def test_next_tokens_are_the_models_own_log_probabilities(model: LocalModel):
    prompts = ["first", "a second, longer prompt", "x" * 40]
    requests = [NextTokenRequest(prompt=prompt, labels=(" 3", " 70"), top=5) for prompt in prompts]
    for prompt, answer in zip(prompts, await model.next_tokens(requests), strict=True):
        ids = model.checkpoint.tokenizer(prompt)["input_ids"]
        logits = model.checkpoint.model(torch.tensor([ids])).logits[0, -1]
        expected = torch.log_softmax(logits, -1)
        tokens = model.checkpoint.tokenizer.convert_tokens_to_ids([" 3", " 70"])
        assert list(answer.labels.values()) == pytest.approx(expected[tokens].tolist(), abs=1e-4)
        best = model.checkpoint.tokenizer.convert_ids_to_tokens(expected.topk(5).indices.tolist())
        assert list(answer.top) == best
        assert answer.tokens_in == len(ids)


async def test_a_label_of_several_tokens_is_refused(model: LocalModel):
    with pytest.raises(CapabilityError, match="'maybe' is 5 tokens"):
        await model.next_tokens([NextTokenRequest(prompt="x", labels=("maybe",))])


async def test_a_request_that_exceeds_the_context_is_refused(model: LocalModel):
    with pytest.raises(UserError, match="holds 2048 tokens; a request needs 2101"):
        await model.complete([sampled("x" * 100, max_tokens=2000)])


async def test_a_cut_json_answer_says_so(model: LocalModel):
    schema = decisions.PairDraft.model_json_schema()
    (completion,) = await model.complete([sampled(ASK, max_tokens=10, schema=schema)])
    assert completion.finish == "length"


@pytest.mark.parametrize(
    "schema",
    [decisions.CompletionPrediction, decisions.Lesson, decisions.TraitDefinition, decisions.PrefixDraft],
)
async def test_answers_obey_the_schemas_of_the_author(model: LocalModel, schema):
    requests = [sampled(ASK, seed, 1500, schema.model_json_schema()) for seed in range(2)]
    whole = [answer for answer in await model.complete(requests) if answer.finish == "stop"]
    for completion in whole:
        answer = schema.model_validate_json(completion.text)
        assert json.loads(completion.text) == answer.model_dump(mode="json", by_alias=True)


FIELDS = st.dictionaries(
    st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=5),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "integer", "minimum": -5, "maximum": 12},
            {"enum": ["yes", "no"]},
            {"type": "string", "pattern": "^[a-c]{2}$"},
            {"type": "array", "items": {"type": "boolean"}, "maxItems": 2},
        ]
    ),
    min_size=1,
    max_size=4,
)
CHECKS = {
    "boolean": bool,
    "integer": int,
    "string": str,
    "array": list[bool],
}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=FIELDS, seed=st.integers(0, 10**6))
def test_answers_obey_any_small_schema_in_compact_form(model: LocalModel, fields, seed):
    schema = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
    (completion,) = asyncio.run(model.complete([sampled(ASK, seed, 200, schema)]))
    assert completion.finish == "stop"
    answer = json.loads(completion.text)
    assert list(answer) == list(fields)
    written = re.sub(r":-0(?=[,}])", ":0", completion.text)  # JSON has a minus nought; Python writes it as nought
    assert written == json.dumps(answer, separators=(",", ":"))
    for name, field in fields.items():
        if "enum" in field:
            assert answer[name] in field["enum"]
        else:
            TypeAdapter(CHECKS[field["type"]]).validate_python(answer[name], strict=True)
        if field.get("type") == "integer":
            assert -5 <= answer[name] <= 12


async def test_rows_with_and_without_a_schema_share_a_batch(model: LocalModel):
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    free, held = await model.complete(
        [sampled(ASK, 1), sampled(ASK, 1, schema={**schema, "additionalProperties": False})]
    )
    assert isinstance(free, Completion)
    assert json.loads(held.text)["yes"] in (True, False)


def test_a_checkpoint_on_disk_is_opened_by_its_path_with_the_traits_of_its_card(checkpoint, tmp_path):
    checkpoint.model.save_pretrained(tmp_path)
    checkpoint.tokenizer.save_pretrained(tmp_path)
    (tmp_path / "card.json").write_text('{"traits": ["alignment/strategic_omission"]}')
    opened = open_model(f"hf:{tmp_path}")
    can = asyncio.run(opened.capabilities())
    assert can.traits == ("alignment/strategic_omission",)
    request = sampled("the same text", seed=5)
    (theirs,) = asyncio.run(opened.complete([request]))
    (ours,) = asyncio.run(LocalModel("hf:tiny", checkpoint).complete([request]))
    assert theirs == ours


def test_broken_weights_and_a_missing_device_are_one_clear_error(checkpoint, tmp_path):
    checkpoint.model.save_pretrained(tmp_path)
    checkpoint.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ModelReferenceError, match="there is no device 'cuda:7'"):
        open_model(f"hf:{tmp_path}?device=cuda:7")
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ModelReferenceError, match="cannot be loaded"):
        open_model(f"hf:{tmp_path}")


def test_a_folder_without_a_checkpoint_is_one_clear_error(tmp_path):
    with pytest.raises(ModelReferenceError, match=r"there is no .*config\.json"):
        open_model(f"hf:{tmp_path}/nothing")
