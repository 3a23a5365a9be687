"""Which of the tokens that a server tells of are the text's own. Shapes as vLLM 0.32 and OpenAI send them."""

from typing import Any

import pytest

from lm.remote.openai_answers import ChatAnswer, TextAnswer

USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
END = 2


def continued(text: str, pieces: list[str] | None, ids: list[int] | None, **more: Any) -> dict[str, Any]:
    """A body of /completions; without pieces as from a server that tells no probabilities."""
    told = {"tokens": pieces, "token_logprobs": [-0.1 * (place + 1) for place in range(len(pieces or []))]}
    choice = {"text": text, "finish_reason": "stop", "logprobs": told if pieces is not None else None, "token_ids": ids}
    return {"choices": [choice | more], "usage": USAGE}


CASES = {
    "a token ends it": (continued(" a b", [" a", " b", "</s>"], [7, 8, END]), (7, 8), (" a", " b"), 2),
    "nothing was written": (continued("", ["</s>"], [END]), (), (), 0),
    "half characters": (continued("ü!", ["�", "�", "!", "</s>"], [195, 188, 33, END]), (195, 188, 33), (), 3),
    "the end is spelled as nothing": (continued(" a", [" a", ""], [7, END]), (7,), (" a",), 1),
    "no probabilities": (continued(" a b", None, [7, 8, END]), (7, 8), (), 0),
    "cut": (continued(" a b", [" a", " b"], [7, 8], finish_reason="length"), (7, 8), (" a", " b"), 2),
    "cut within a character": (continued("a", ["a", "�"], [97, 195], finish_reason="length"), (97, 195), (), 2),
    "a stop string": (continued(" a", [" a", ".\n"], [7, 9], stop_reason=".\n"), (7, 9), (), 2),
    "a stop token": (continued(" a", [" a", "<|eot|>"], [7, 9], stop_reason=9), (7,), (" a",), 1),
    "no ids": (continued(" a b", [" a", " b", "<|endoftext|>"], None), (), (" a", " b"), 2),
    "no ids, and the end is not told": (continued(" a b", [" a", " b"], None), (), (" a", " b"), 2),
    "no ids, and nothing was written": (continued("", ["<|endoftext|>"], None), (), (), 0),
}


@pytest.mark.parametrize(("body", "ids", "pieces", "probabilities"), CASES.values(), ids=CASES)
def test_the_token_that_ends_a_text_is_no_part_of_it(
    body: dict[str, Any], ids: tuple[int, ...], pieces: tuple[str, ...], probabilities: int
):
    done = TextAnswer.model_validate(body).completion()
    assert (done.token_ids, done.pieces) == (ids, pieces)
    assert done.log_probabilities == pytest.approx([-0.1 * (place + 1) for place in range(probabilities)])


@pytest.mark.parametrize(("stop_reason", "ids"), [(None, (7, 8)), (9, (7, 8)), ("\n", (7, 8, END))])
def test_the_token_that_ends_a_chat_is_no_part_of_it_unless_a_stop_string_ended_it(
    stop_reason: int | str | None, ids: tuple[int, ...]
):
    choice = {"message": {"content": "a b"}, "finish_reason": "stop", "stop_reason": stop_reason}
    body = {"choices": [choice | {"token_ids": [7, 8, END]}], "usage": USAGE}
    assert ChatAnswer.model_validate(body).completion().token_ids == ids
