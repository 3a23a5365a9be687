"""What is the same for many requests comes first in each, so that a provider keeps it and charges less for it."""

import re

import pytest

from prompts import load_prompt, prompt_names

OF_THE_RUN = {
    "trait", "category", "idea", "definition", "setup", "high", "low", "key", "labels", "neighbours", "forms",
    "forbidden",
}  # fmt: skip
"""The same for all requests of a run, or until its rubric is rewritten."""
OF_THE_BATCH = {"lessons", "reasons", "disagreements", "failure", "advice", "examples"}
"""The same for all requests of a round, or of a failure class."""
VARIABLE = re.compile(r"{{ (\w+) }}")
TAG = re.compile(r"{%.*?%}")


def rank(variable: str) -> int:
    """How often a variable changes: 0 by run, 1 by batch, 2 by request."""
    return 0 if variable in OF_THE_RUN else 1 if variable in OF_THE_BATCH else 2


@pytest.mark.parametrize("name", prompt_names())
def test_a_system_text_holds_nothing_that_changes_within_a_run(name: str):
    assert [variable for variable in VARIABLE.findall(load_prompt(name).system) if rank(variable) > 0] == []


@pytest.mark.parametrize("name", prompt_names())
def test_a_system_text_says_all_it_has_to_say_before_its_first_variable(name: str):
    """Behind it there are only lines that name a value."""
    parts = VARIABLE.split(load_prompt(name).system)
    for words in parts[2::2]:
        assert all(len(line.split()) <= 2 for line in TAG.sub("", words).splitlines()), words


@pytest.mark.parametrize("name", [name for name in prompt_names() if name != "redraft_pair"])
def test_a_user_text_goes_from_what_changes_least_to_what_changes_most(name: str):
    """redraft_pair is not among them: its fault and advice belong to the failed pair that stands before them."""
    ranks = [rank(variable) for variable in VARIABLE.findall(load_prompt(name).user)]
    assert ranks == sorted(ranks)


def test_a_redraft_keeps_what_is_of_the_run_and_the_round_in_front():
    variables = VARIABLE.findall(load_prompt("redraft_pair").user)
    assert max(map(rank, variables[: variables.index("positive")])) == 1
    assert min(map(rank, variables[variables.index("lock_in") :])) == 2
