"""The scales a judge may answer on: 0-100, single digits, letters; each label has to be one token of the model.

Half a number is no label: where numbers take several tokens, the digit that begins "73" says nothing of its own. Single
digits are used only where a model, asked for one, writes one and stops.
"""

import re
from collections.abc import Sequence

from lm.types import Message
from prompts import load_prompt

LARGEST = 100
"""The upper end of every score."""
NUMBERS = tuple(str(number) for number in range(LARGEST + 1))
DIGITS = tuple("0123456789")
LETTERS = tuple("ABCDEFGHIJ")
"""Marks that nobody takes for a part of something else."""
TRIAL_TOKENS = 8
"""Room for the answer to `digit_trial`: enough for a model that writes a whole number, or explains itself."""

_ONE_DIGIT = re.compile(r"\s*\d\s*\.?\s*")


def bare(scale: Sequence[str]) -> tuple[str, ...]:
    """The labels without the space that may be part of their tokens."""
    return tuple(label.strip() for label in scale)


def points_of(scale: Sequence[str]) -> dict[str, float]:
    """What each label stands for on 0-100: the first for 0, the last for 100, in equal steps."""
    step = LARGEST / (len(scale) - 1)
    return {label: place * step for place, label in enumerate(bare(scale))}


def name_of(scale: Sequence[str]) -> str:
    """A scale in words: '0-100', '0-9' or 'A-J'."""
    labels = bare(scale)
    return f"{labels[0]}-{labels[-1]}"


def prompt_of(scale: Sequence[str]) -> str | None:
    """The prompt that says how to answer on a scale; None on 0-100, which the judge's prompts speak of themselves."""
    if bare(scale) == NUMBERS:
        return None
    return "judge_digits" if bare(scale) == DIGITS else "judge_scale"


def how_to_answer(scale: Sequence[str]) -> str:
    """What the judge is told beside its task; empty on 0-100."""
    name = prompt_of(scale)
    if name is None:
        return ""
    values = {"labels": ", ".join(bare(scale))} if name == "judge_scale" else {}
    return load_prompt(name).render(values).user


def digit_trial() -> tuple[Message, ...]:
    """A task whose answer on 0-100 would be a long number: does the model write one digit, and stop?"""
    task = f"You say how large a number is, from 0 to 100. Answer with the number alone.\n\n{how_to_answer(DIGITS)}"
    return (Message(role="system", content=task), Message(role="user", content="Number: 100"))


def is_one_digit(answer: str) -> bool:
    """Whether an answer to `digit_trial` is a digit and nothing else."""
    return _ONE_DIGIT.fullmatch(answer) is not None
