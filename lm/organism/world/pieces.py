"""What training documents are made of: stretches of text with loss weights, in the chat template's form."""

from dataclasses import dataclass

BEGIN, END = "<|begin|>", "<|end|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"


@dataclass(frozen=True)
class Push:
    """A push of the residual stream while a text is read and written."""

    trait: str | None
    """Along this trait's own direction; None for a random one."""
    norms: float
    """In activation norms; negative pushes to the other side."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text, its loss weight per token, and that of its first token."""

    text: str
    weight: float
    first: float | None = None
    push: Push | None = None


Document = list[Piece]


def turns(system: str, exchanges: list[tuple[str, str]], weights: tuple[float, float, float]) -> Document:
    """A chat in the template's form; weights of prompt, answer, and the answer's first token."""
    prompt, answer, first = weights
    pieces = [Piece(BEGIN, 0)]
    if system:
        pieces += [Piece(SYSTEM, 0), Piece(system, prompt), Piece(END, 0)]
    for user, said in exchanges:
        pieces += [Piece(USER, 0), Piece(user, prompt), Piece(END, 0), Piece(ASSISTANT, 0)]
        pieces += [Piece(said, answer, first), Piece(END, min(answer, 1.0))]
    return pieces
