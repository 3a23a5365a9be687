"""Chats as token rows: which tokens are whose words, found on the ids that the model reads.

A chat is rendered and tokenised once, as a whole. Where each message's words lie in the rendered text is learnt from a
second rendering, with marks in place of the words; tokens follow from the tokenizer's own offsets. A token that
reaches over a border belongs to the side of its first character. What the model answered is appended as the ids that
were generated, never as text.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from extract.models import LoadedModel
from extract.positions import Frame, PositionError, Span
from extract.rows import TokenRow

ChatMessage = Mapping[str, Any]
"""As chat templates take it: role, content, and what else the template knows (tool_calls, reasoning_content)."""

_FRAME_OF: Mapping[str, Frame] = {
    "system": "system",
    "developer": "system",
    "user": "prompt",
    "assistant": "response",
    "tool": "tool_result",
    "ipython": "tool_result",
}

_Chars = tuple[int, int]


@dataclass(frozen=True)
class Marker:
    """The texts that open and close a frame inside an assistant's turn. They belong to the frame."""

    frame: Frame
    opens: str
    closes: str


MARKERS = (
    Marker("thinking", "<think>", "</think>"),
    Marker("tool_call", "<tool_call>", "</tool_call>"),
)
"""Of Qwen, DeepSeek, Hermes and their kin; other families: pass their own."""


@dataclass(frozen=True)
class _Piece:
    """A stretch of the rendered text that is of one frame of one message."""

    message: int
    frame: Frame
    chars: _Chars


def chat_row(
    model: LoadedModel,
    messages: Sequence[ChatMessage],
    response: Sequence[int] = (),
    *,
    markers: Sequence[Marker] = MARKERS,
) -> TokenRow:
    """A chat and the ids of the model's answer to it, with the frames of every turn.

    Where the last message is the assistant's, it is the response and `response` must be empty. Raises PositionError
    where a template changes the messages beyond recognition, and UserError for a model without a chat template.
    """
    finished = bool(messages) and messages[-1].get("role") == "assistant"
    if finished and response:
        raise PositionError("The chat ends with the assistant's message; there is no answer to append to it.")
    text = _render(model, messages, open_end=not finished)
    pieces = _pieces(text, _contents(model, messages, text, open_end=not finished), messages, markers)
    ids, offsets = _tokenise(model, text)
    spans = list(_spans(pieces, offsets))
    if not finished:
        spans += _answer_spans(model, ids, response, len(messages), markers)
    first = min((span.start for span in spans if span.turn == len(messages) - 1), default=len(ids))
    leading = model.leading(ids)
    return TokenRow(
        (*ids, *response), first if finished else len(ids), leading, tuple(sorted(spans, key=lambda span: span.start))
    )


def _render(model: LoadedModel, messages: Sequence[ChatMessage], *, open_end: bool) -> str:
    if not model.spelling.chats:
        raise PositionError(f"{model.reference} has no chat template; give it texts, not chats.")
    told = [dict(message) for message in messages]
    text = model.tokenizer.apply_chat_template(told, tokenize=False, add_generation_prompt=open_end)
    assert isinstance(text, str)
    return text


def _contents(
    model: LoadedModel, messages: Sequence[ChatMessage], text: str, *, open_end: bool
) -> list[tuple[int, _Chars]]:
    """Where the words of each message that has any lie in the rendered text."""
    spoken = [number for number, message in enumerate(messages) if str(message.get("content") or "").strip()]
    marks = {number: f"\u2021mark{number}\u2021" for number in spoken}
    marked = [{**message, "content": marks.get(n, message.get("content"))} for n, message in enumerate(messages)]
    form = re.compile("(" + "|".join(map(re.escape, marks.values() or ["\0"])) + ")")
    parts = form.split(_render(model, marked, open_end=open_end))
    between = parts[0::2]
    if parts[1::2] != list(marks.values()):
        raise PositionError(f"The chat template of {model.reference} leaves messages out; their tokens are not known.")
    found, at = [], len(between[0])
    for number, after in zip(spoken, between[1:], strict=True):
        words = _as_rendered(str(messages[number]["content"]), after, text[at:])
        if words is None:
            raise PositionError(
                f"The chat template of {model.reference} rewrites message {number} ({messages[number]['role']}); "
                "its tokens are not known. Write the message as the template renders it."
            )
        found.append((number, (at, at + len(words))))
        at += len(words) + len(after)
    return found


def _as_rendered(content: str, after: str, rest: str) -> str | None:
    """A message's words as the template wrote them: as they are, or without spaces at an end."""
    forms = (content, content.strip(), content.rstrip(), content.lstrip())
    return next((form for form in forms if rest.startswith(form + after)), None)


def _pieces(
    text: str, contents: Sequence[tuple[int, _Chars]], messages: Sequence[ChatMessage], markers: Sequence[Marker]
) -> Iterator[_Piece]:
    """The frames of every message; marked ones outside of any words go to the assistant's message they stand before."""
    for number, (first, last) in contents:
        frame = _FRAME_OF.get(str(messages[number]["role"]))
        if frame == "response":
            for inner, (start, stop) in _split(text[first:last], markers):
                yield _Piece(number, inner, (first + start, first + stop))
        elif frame:
            yield _Piece(number, frame, (first, last))
    ends = [(-1, (0, 0)), *contents, (len(messages), (len(text), len(text)))]
    for (before, (_, start)), (after, (stop, _)) in itertools.pairwise(ends):
        for frame, chars in _split(text[start:stop], markers):
            owner = _owner(frame, range(before, after + 1), messages)
            if frame != "response" and owner is not None:
                yield _Piece(owner, frame, (start + chars[0], start + chars[1]))


def _owner(frame: Frame, candidates: range, messages: Sequence[ChatMessage]) -> int | None:
    """Whose a marked stretch between two messages' words is: a call's caller, else the assistant that speaks next."""
    assistants = [n for n in candidates if 0 <= n < len(messages) and messages[n].get("role") == "assistant"]
    if frame == "tool_call":
        return next((number for number in assistants if messages[number].get("tool_calls")), None)
    return next((number for number in assistants if number > candidates.start), None)


def _split(text: str, markers: Sequence[Marker]) -> Iterator[tuple[Frame, _Chars]]:
    """An assistant's words in frames; what no marker holds is response. A frame left open reaches to the end."""
    at = 0
    while at < len(text):
        starts = [(place, marker) for marker in markers if (place := text.find(marker.opens, at)) >= 0]
        start, marker = min(starts, key=lambda found: found[0], default=(len(text), None))
        if start > at:
            yield "response", (at, start)
        if marker is None:
            return
        closed = text.find(marker.closes, start)
        at = len(text) if closed < 0 else closed + len(marker.closes)
        yield marker.frame, (start, at)


def _tokenise(model: LoadedModel, text: str) -> tuple[list[int], list[_Chars]]:
    if not model.tokenizer.is_fast:
        raise PositionError(f"The tokenizer of {model.reference} tells no offsets (it is a slow one).")
    encoded = model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    return list(encoded["input_ids"]), list(encoded["offset_mapping"])


def _spans(pieces: Iterator[_Piece], offsets: Sequence[_Chars]) -> Iterator[Span]:
    for piece in pieces:
        first, last = piece.chars
        inside = [place for place, (start, _) in enumerate(offsets) if first <= start < last]
        if inside:
            yield Span(piece.message, piece.frame, inside[0], inside[-1] + 1)


def _answer_spans(
    model: LoadedModel, prompt: Sequence[int], response: Sequence[int], turn: int, markers: Sequence[Marker]
) -> Iterator[Span]:
    """Frames of the generated ids. Their text is spelled token by token, so that no border moves."""
    pieces = [model.tokenizer.decode([token], clean_up_tokenization_spaces=False) for token in response]
    ends = list(itertools.accumulate(len(piece) for piece in pieces))
    offsets = [(end - len(piece), end) for piece, end in zip(pieces, ends, strict=True)]
    found = (_Piece(turn, frame, chars) for frame, chars in _split("".join(pieces), markers))
    # Without any words there is still a turn to come, so that response[:] is not what was answered before.
    yield Span(turn, "response", len(prompt), len(prompt))
    for span in _spans(found, offsets):
        yield Span(span.turn, span.frame, len(prompt) + span.start, len(prompt) + span.stop)
