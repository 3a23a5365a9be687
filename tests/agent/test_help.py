"""`--help` shows what was written."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from agent.cli.main import app

BRACKETS = re.compile(r"\[[a-z][^]]*\]")


def commands(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups among them."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


def shown(*words: str) -> str:
    """The help of a command, on one line."""
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def written(words: tuple[str, ...]) -> list[str]:
    """What stands in square brackets in a command's help texts, as its module has them."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
    texts = [text.replace(r"\[", "[") for told in (command, *command.params) if (text := getattr(told, "help", None))]
    return [found for text in texts for found in BRACKETS.findall(text)]


COMMANDS = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_square_brackets_are_shown_as_they_are_written(words: tuple[str, ...]):
    told = shown(*words)
    assert [found for found in written(words) if found not in told] == []


def test_the_brackets_that_matter_are_there():
    assert "a [definition], [settings], models." in shown("vet")
    assert "[default: 150]" in shown("create")
    assert sum("[default:" in found for words in COMMANDS for found in written(words)) > 10


def test_judge_lists_the_options_of_judging_a_file():
    told = shown("judge")
    for words in ("calibrate", "--trait", "--rubric", "--coherence", "[default: FILE's name .judged.jsonl]"):
        assert words in told


def test_what_is_given_is_named_in_capitals():
    assert " {text} " not in shown("monitor") and "TEXT" in shown("monitor")
