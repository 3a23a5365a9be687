"""Positions: which tokens of a text are averaged, in a small language.

    position := [ "turn[" INT "]:" ] frame "[" slice "]"
    frame    := prompt | response | thinking | system | tool_call | tool_result | all
    slice    := ":" | INT ":" | ":" INT | INT ":" INT | INT

Slices are half-open and clamped to the frame, as in Python; a single number is one token and selects nothing where
there is no such token. Frames hold a text's own tokens: the beginning-of-sequence token that a model puts in front
belongs to none (its activations are far larger than all others and would drown the mean).

`prompt` is everything before the response, a chat's template included. An assistant's turn falls into `thinking`,
`tool_call` and `response`, which is what is neither. `turn[N]:frame` is the N-th turn that has such a frame, counted
from 0 or from the end (-1); there `prompt` is what the user said, without the template. Without `turn[N]:` the last
such turn is meant; `turn[N]:all` is whatever was said in the N-th turn. Only a chat has turns (`extract.chats`).
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from lm.errors import UserError
from lm.types import Value

Frame = Literal["prompt", "response", "thinking", "system", "tool_call", "tool_result", "all"]
FRAMES: tuple[Frame, ...] = get_args(Frame)
_COUNTED: tuple[Frame, ...] = ("prompt", "response", "all")
"""Frames that follow from where the response begins; the others need the turns of a chat."""

_POSITION = re.compile(r"(?:turn\[(?P<turn>-?\d+)\]:)?(?P<frame>\w+)\[(?P<slice>[^\[\]]*)\]", re.ASCII)
_SLICE = re.compile(r"(?P<start>-?\d+)?:(?P<stop>-?\d+)?", re.ASCII)
_INDEX = re.compile(r"-?\d+", re.ASCII)


class PositionError(UserError):
    """A text that names no position, or a position that these tokens do not have."""


@dataclass(frozen=True)
class Span:
    """Tokens `start` up to `stop` of a text are of one frame of one turn; a frame may consist of several spans."""

    turn: int
    frame: Frame
    start: int
    stop: int


class Position(Value):
    """A parsed position; `str()` gives its canonical text back."""

    frame: Frame
    turn: int | None = None
    start: int | None = None
    stop: int | None = None
    index: int | None = None
    """One token by number; then start and stop are None."""

    def __str__(self) -> str:
        turn = "" if self.turn is None else f"turn[{self.turn}]:"
        ends = ["" if end is None else str(end) for end in (self.start, self.stop)]
        inside = ":".join(ends) if self.index is None else str(self.index)
        return f"{turn}{self.frame}[{inside}]"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read a position. Raises PositionError that says what is allowed and what may have been meant."""
        whole = _POSITION.fullmatch(text.strip())
        if whole is None:
            raise PositionError(f"{text!r} is no position: expected a frame and a slice.\n{_help(text)}")
        frame = next((frame for frame in FRAMES if frame == whole["frame"]), None)
        if frame is None:
            raise PositionError(f"{text!r} is no position: unknown frame {whole['frame']!r}.\n{_help(text)}")
        turn = None if whole["turn"] is None else int(whole["turn"])
        inside = whole["slice"].strip()
        if _INDEX.fullmatch(inside):
            return cls(frame=frame, turn=turn, index=int(inside))
        ends = _SLICE.fullmatch(inside)
        if ends is None:
            raise PositionError(
                f"{text!r} is no position: {inside!r} is no slice. Slices: ':', 'a:', ':b', 'a:b' or one number."
            )
        start, stop = (None if ends[name] is None else int(ends[name]) for name in ("start", "stop"))
        return cls(frame=frame, turn=turn, start=start, stop=stop)

    @property
    def generated(self) -> int | None:
        """How many tokens of a response it takes to know this position; None where it takes all of them."""
        if self.frame == "prompt" and self.turn is None:
            return 0
        if self.frame != "response":
            return None
        last = self.index if self.index is not None else self.stop
        if last is None or last < 0 or (self.start or 0) < 0:
            return None
        return last + 1 if self.index is not None else last

    def resolve(
        self, prompt: int, response: int, *, leading: int = 0, spans: Sequence[Span] | None = None
    ) -> Sequence[int]:
        """The places of the selected tokens in prompt + response, in order; empty where the text has none.

        `prompt` and `response` count tokens; `leading` of the prompt's are special tokens in front that belong to no
        frame; `spans` are the frames of a chat's turns, None where they are not known. Raises PositionError for
        frames that only a chat has.
        """
        places = self._frame(prompt, response, leading, spans)
        if self.index is None:
            return places[self.start : self.stop]
        inside = -len(places) <= self.index < len(places)
        return places[self.index :][:1] if inside else places[:0]

    def _frame(self, prompt: int, response: int, leading: int, spans: Sequence[Span] | None) -> Sequence[int]:
        """The places of the whole frame."""
        if self.turn is None and (spans is None or self.frame in ("prompt", "all")) and self.frame in _COUNTED:
            first = prompt if self.frame == "response" else leading
            last = prompt if self.frame == "prompt" else prompt + response
            return range(min(first, last), last)
        if spans is None:
            raise PositionError(
                f"'{self}' needs the turns of a chat, and this text has none. "
                "Use prompt[…], response[…] or all[…], or read a chat (extract.chats)."
            )
        own = [span for span in spans if self.frame in (span.frame, "all")]
        turns = sorted({span.turn for span in own})
        number = -1 if self.turn is None else self.turn
        if not -len(turns) <= number < len(turns):
            return ()
        chosen = [span for span in own if span.turn == turns[number]]
        return tuple(place for span in chosen for place in range(span.start, span.stop))


def _help(text: str) -> str:
    name = re.match(r"\s*(?:turn\[-?\d+\]:)?(\w+)", text)
    close = difflib.get_close_matches(name[1], FRAMES, n=1, cutoff=0.5) if name else []
    told = f"  Frames: {', '.join(FRAMES)}."
    if close and name:
        meant = text.strip().replace(name[1], close[0], 1)
        told += f"  Did you mean {(meant if '[' in meant else meant + '[:]')!r}?"
    return told
