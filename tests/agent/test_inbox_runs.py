"""A run whose author and judge answer by file: it stops, is answered, goes on, and is replayed from the answers."""

import json
from pathlib import Path

from lm.scripted import Script, ScriptedAnswer
from lm.types import NextTokenRequest, Request, Sampling
from tests.agent.commands import traitsmith
from tests.agent.runs import dataset_bytes, finish, start
from tests.agent.scripted import author_script, build_spec, judge_script


def answer_all(folder: Path) -> int:
    """Answer every open request as the scripts would; how many there were."""
    script = Script([ScriptedAnswer.model_validate(line) for line in (*author_script(), *judge_script())])
    waiting = [
        file
        for file in folder.glob("*.request.md")
        if not file.with_name(file.name.replace("request.md", "answer.txt")).exists()
    ]
    for file in waiting:
        head, _, prompt = file.read_text().partition("\n---\n")
        if "one of the labels" in head:
            odds = script.odds(NextTokenRequest(prompt=prompt))
            answer = json.dumps({str(round(float(label))): share for label, share in odds.items()})
        else:
            answer = script.reply(Request(prompt=prompt, sampling=Sampling(max_tokens=1))).text
        file.with_name(file.name.replace("request.md", "answer.txt")).write_text(answer)
    return len(waiting)


def test_a_run_waits_for_its_files_and_is_replayed_from_them(tmp_path: Path):
    inbox = tmp_path / "inbox"
    spec = build_spec(tmp_path, author=f"inbox:{inbox}/author", judge=f"inbox:{inbox}/judge")
    folder = start(tmp_path / "first", spec)
    shown = traitsmith("resume", str(folder.path), cwd=tmp_path)
    assert shown.returncode == 3, shown.stderr
    assert "1 answer is awaited" in " ".join(shown.stdout.split())
    stops = 0
    while (result := finish(folder)).end == "answers":
        stops += 1
        assert answer_all(inbox / "author") + answer_all(inbox / "judge"), result.message
    assert result.end == "done"
    assert stops < 40
    again = start(tmp_path / "again", spec)
    assert finish(again).end == "done"
    assert dataset_bytes(tmp_path / "first") == dataset_bytes(tmp_path / "again")
