"""A key is in the environment and nowhere else, even where a provider repeats it in its complaints."""

from pathlib import Path

import pytest

from lm.errors import ModelFailure
from tests.agent.commands import traitsmith
from tests.agent.runs import finish, start
from tests.agent.served import running, scripted_provider, served_spec

KEY = "sk-never-to-be-written"


def test_no_file_and_no_word_holds_a_key_that_the_provider_repeats(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with running(scripted_provider()) as provider:
        folder = start(tmp_path, served_spec(tmp_path, provider))
        provider.misbehave = lambda number: "401" if number == 30 else None
        with pytest.raises(ModelFailure, match=r"Incorrect API key provided: \[key\]") as denied:
            finish(folder)
        begun = provider.number
        provider.misbehave = lambda number: "400" if number > begun + 20 else None
        stopped = traitsmith("resume", str(folder.path), cwd=tmp_path)
        assert stopped.returncode == 1
        assert "not allowed for the key [key]" in stopped.stderr
        begun = provider.number
        provider.misbehave = lambda number: "filter with key" if number in range(begun + 20, begun + 23) else None
        assert finish(folder).end == "done"
    assert KEY not in f"{denied.value}{stopped.stdout}{stopped.stderr}"
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"store.sqlite", "graph.sqlite", "report.html", "run.json", "card.json"} <= {file.name for file in files}
    assert b"not this topic, [key]" in folder.store_file.read_bytes(), "the refusals are kept, without the key"
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []
