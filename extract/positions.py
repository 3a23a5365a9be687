"""Positions: which tokens of a prompt and its response are averaged, in a small language.

    position := [ "turn[" INT "]:" ] frame "[" slice "]"
    frame    := prompt | response | thinking | system | tool_call | tool_result | all
    slice    := ":" | INT ":" | ":" INT | INT ":" INT | INT

Slices are half-open and clamped to the frame, as in Python; a single number is one token and selects nothing where
there is no such token. Frames hold a text's own tokens: the beginning-of-sequence token that a model puts in front
belongs to none (its activations are far larger than all others and would drown the mean).
"""

import difflib
import re
from typing import Literal, get_args

from lm.errors import UserError
from lm.types import Value

Frame = Literal["prompt", "response", "thinking", "system", "tool_call", "tool_result", "all"]
FRAMES: tuple[Frame, ...] = get_args(Frame)

_POSITION = re.compile(r"(?:turn\[(?P<turn>-?\d+)\]:)?(?P<frame>\w+)\[(?P<slice>[^\[\]]*)\]")
_SLICE = re.compile(r"(?P<start>-?\d+)?:(?P<stop>-?\d+)?")
_INDEX = re.compile(r"-?\d+")


class PositionError(UserError):
    """A text that names no position, or a position that these tokens do not have."""


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

    def resolve(self, prompt: int, response: int, *, leading: int = 0) -> range:
        """The places of the selected tokens in prompt + response.

        `prompt` and `response` count tokens; `leading` of the prompt's are special tokens in front that belong to no
        frame. The range is empty where the text has no such token. Raises PositionError for frames that only a chat
        with known turns has.
        """
        if self.turn is not None or self.frame not in ("prompt", "response", "all"):
            raise PositionError(
                f"'{self}' needs turn boundaries, and only prompt and response token counts are known here. "
                "Use prompt[…], response[…] or all[…]."
            )
        first = prompt if self.frame == "response" else leading
        last = prompt if self.frame == "prompt" else prompt + response
        places = range(min(first, last), last)
        if self.index is None:
            return places[self.start : self.stop]
        inside = -len(places) <= self.index < len(places)
        return places[self.index :][:1] if inside else places[:0]


def _help(text: str) -> str:
    name = re.match(r"\s*(?:turn\[-?\d+\]:)?(\w+)", text)
    close = difflib.get_close_matches(name[1], FRAMES, n=1, cutoff=0.5) if name else []
    told = f"  Frames: {', '.join(FRAMES)}."
    if close and name:
        meant = text.strip().replace(name[1], close[0], 1)
        told += f"  Did you mean {(meant if '[' in meant else meant + '[:]')!r}?"
    return told
