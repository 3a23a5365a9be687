"""Frames of chats, against what each message says."""

import pytest
import torch

from extract.activations import read_rows
from extract.chats import ChatMessage, Marker, chat_row
from extract.hooks import captured
from extract.models import LoadedModel, wrap_model
from extract.positions import Position, PositionError
from extract.rows import TokenRow
from tests.extract.conftest import byte_tokenizer, tiny_model

CHATML = (
    "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}</tool_call>{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRIMMING = (
    "{{ bos_token }}{% for m in messages %}[{{ m.role }}]\n\n{{ m.content | trim }}[end]{% endfor %}"
    "{% if add_generation_prompt %}[assistant]\n\n{% endif %}"
)

CHAT: list[ChatMessage] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "user"},
    {"role": "assistant", "content": "<think>hm</think>Hello! "},
    {"role": "user", "content": " What is 2 + 2?"},
    {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add"}}]},
    {"role": "tool", "content": "4"},
]


def chat_model(template: str = CHATML, *merges: tuple[str, str]) -> LoadedModel:
    model = tiny_model("llama")
    tokenizer = byte_tokenizer(merges)
    tokenizer.chat_template = template
    model.model.resize_token_embeddings(len(tokenizer))
    return wrap_model(model.model, tokenizer, "hf:tiny-chat")


def words(model: LoadedModel, row: TokenRow, position: str) -> str:
    ids = [row.ids[place] for place in row.places(Position.parse(position))]
    return str(model.tokenizer.decode(ids))


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("system[:]", "Be brief."),
        ("turn[0]:prompt[:]", "user"),
        ("turn[-1]:prompt[:]", " What is 2 + 2?"),
        ("turn[1]:prompt[-2:]", "2?"),
        ("turn[2]:prompt[:]", ""),
        ("turn[0]:response[:]", "Hello! "),
        ("turn[0]:thinking[:]", "<think>hm</think>"),
        ("tool_call[:]", "<tool_call>add</tool_call>"),
        ("tool_result[:]", "4"),
        ("response[:]", " Sure"),
        ("response[:2]", " S"),
        ("thinking[:]", "<think>so</think>"),
        ("prompt[-1]", "\n"),
        ("prompt[0]", "<"),
    ],
)
def test_frames_of_a_chat_and_its_answer(position: str, expected: str) -> None:
    model = chat_model()
    answer = model.tokenizer("<think>so</think> Sure", add_special_tokens=False)["input_ids"]
    assert words(model, chat_row(model, CHAT, answer), position) == expected


def test_ids_are_the_template_s_with_one_opening_token() -> None:
    model = chat_model()
    row = chat_row(model, CHAT)
    assert list(row.ids) == model.tokenizer.apply_chat_template(CHAT, add_generation_prompt=True)["input_ids"]
    assert (row.ids.count(0), row.leading) == (1, 1)


def test_a_finished_chat_ends_in_its_response() -> None:
    model = chat_model(TRIMMING)
    told = [{"role": "user", "content": " Hi "}, {"role": "assistant", "content": " Good day "}]
    row = chat_row(model, told)
    assert words(model, row, "response[:]") == "Good day"
    assert words(model, row, "turn[0]:prompt[:]") == "Hi"
    assert words(model, row, "prompt[:]").endswith("[assistant]\n\n")
    with pytest.raises(PositionError, match="no answer to append"):
        chat_row(model, told, [5])


def test_reasoning_that_the_template_writes_is_thinking() -> None:
    model = chat_model()
    told = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes", "reasoning_content": "hm"}]
    row = chat_row(model, told)
    assert words(model, row, "thinking[:]") == "<think>\nhm\n</think>"
    assert words(model, row, "response[:]") == "Yes"


def test_a_token_over_a_border_belongs_to_its_first_character() -> None:
    model = chat_model(CHATML, ("?", "<"), ("Ċ", "H"))
    row = chat_row(model, [{"role": "user", "content": "Ho?"}])
    assert words(model, row, "turn[0]:prompt[:]") == "o?<"


def test_thinking_left_open_takes_the_rest() -> None:
    model = chat_model()
    answer = model.tokenizer("a<think>b", add_special_tokens=False)["input_ids"]
    row = chat_row(model, CHAT[:2], answer)
    assert (words(model, row, "response[:]"), words(model, row, "thinking[:]")) == ("a", "<think>b")


def test_markers_of_one_s_own() -> None:
    model = chat_model()
    answer = model.tokenizer("[T]b[/T]c", add_special_tokens=False)["input_ids"]
    row = chat_row(model, CHAT[:2], answer, markers=[Marker("thinking", "[T]", "[/T]")])
    assert (words(model, row, "response[:]"), words(model, row, "thinking[:]")) == ("c", "[T]b[/T]")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ messages[-1].content }}", "leaves messages out"),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "rewrites message 0|leaves messages out"),
    ],
)
def test_templates_that_hide_what_was_said(template: str, message: str) -> None:
    with pytest.raises(PositionError, match=message):
        chat_row(chat_model(template), CHAT[:2])


def test_no_template() -> None:
    with pytest.raises(PositionError, match="has no chat template"):
        chat_row(tiny_model("llama"), CHAT)


@pytest.mark.parametrize("padding", ["left", "right"])
def test_chats_in_batches_equal_one_by_one(padding: str) -> None:
    model = chat_model()
    rows = [chat_row(model, CHAT[:count], [60, 61, 62]) for count in (2, 4, 6)]
    position = Position.parse("turn[0]:prompt[:]")
    [found] = read_rows(model, rows, [position], padding=padding)
    for row, mean in zip(rows, found.mean, strict=True):
        with torch.no_grad(), captured(model.blocks, [1]) as caught:
            model.model(input_ids=torch.tensor([row.ids]))
        torch.testing.assert_close(mean[1], caught[1][0, list(row.places(position))].mean(dim=0), rtol=1e-4, atol=1e-5)
