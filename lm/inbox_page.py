"""What a request of an inbox says to whoever answers it: what is asked, in which form, and where the answer goes."""

import json
from collections.abc import Mapping

from lm.forms import describe_form, example_of_form
from lm.types import NextTokenRequest, Prompt, Request

REFUSED = "REFUSED:"
CHARACTERS_A_TOKEN = 4
OPEN = "OPEN.md"
"""The list of what is still to be answered."""


def write_page(name: str, request: Request | NextTokenRequest, number: int, alike: int) -> str:
    """A request as a file: how to answer, a line across, and below it what is asked, word for word.

    It is number `number` of `alike` requests of one step that ask the same.
    """
    parts = _ask_for_text(request) if isinstance(request, Request) else _ask_for_score(request)
    heading, *how = parts
    where = f"Write the answer to `{name}.answer.txt` in this folder. What is asked stands below the line."
    same = f"This is asked {alike} times; here is number {number}. The answers may differ." if alike > 1 else ""
    said = [f"# {heading}", where, same, *how, "---", as_text(request.prompt)]
    return "\n\n".join(part for part in said if part) + "\n"


def write_list(waiting: Mapping[str, str | None]) -> str:
    """The list of open requests, in the order in which they are asked; with the fault of an answer that was refused."""
    lines = [f"- `{name}.request.md`" + (f": refused, {fault}" if fault else "") for name, fault in waiting.items()]
    head = f"# {count_answers(len(waiting), 'is', 'are')} awaited"
    return "\n".join([head, "", "Answer each of these, then `traitsmith resume RUN`.", "", *lines, ""])


def count_answers(number: int, one: str, many: str) -> str:
    """A number of answers with its verb: "1 answer is", "3 answers are"."""
    return f"1 answer {one}" if number == 1 else f"{number} answers {many}"


def as_text(prompt: Prompt) -> str:
    """A prompt as a person reads it, the roles of a chat in brackets."""
    if isinstance(prompt, str):
        return prompt
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in prompt)


def _ask_for_text(request: Request) -> tuple[str, ...]:
    tokens = request.sampling.max_tokens
    length = f"At most about {tokens} tokens, some {tokens * CHARACTERS_A_TOKEN} characters."
    refuse = f"To refuse, write `{REFUSED}` and the reason."
    if request.output_schema is not None:
        return (
            "Answer with one JSON object",
            f"{length} {refuse}",
            f"Its fields:\n\n{describe_form(request.output_schema)}",
            f"An example of the form, not of what to say:\n\n{_as_json(request.output_schema)}",
        )
    if isinstance(request.prompt, str):
        how = "Go on from where the text stops, as it would. Begin with a space if a new word begins."
        return "Continue this text", f"{how} {length}"
    return "Answer in words", f"{length} {refuse}"


def _ask_for_score(request: NextTokenRequest) -> tuple[str, ...]:
    if not request.labels:
        return (
            "Say which word comes next",
            "The text below stops. Write a JSON object of first words with their probabilities, 1 together at most, "
            'for example `{" the": 0.5, " I": 0.3}`; or one word alone, if it is certain.',
        )
    low, high = request.labels[0], request.labels[-1]
    return (
        "Give a score",
        f"Write one of the labels {low} to {high}, alone; or, where it could be one or the other, a JSON object of "
        f'labels with their probabilities, for example `{{"{low}": 0.3, "{high}": 0.7}}`. To give none, write `{{}}`.',
    )


def _as_json(schema: Mapping[str, object]) -> str:
    return json.dumps(example_of_form(dict(schema)), indent=1, ensure_ascii=False)
