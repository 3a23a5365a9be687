"""`traitsmith judge` and `traitsmith judge calibrate`, with scripted, served and filing judges."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.agent.commands import Commands
from tests.agent.scripted import write_script
from tests.agent.served import running
from tests.lm.provider import Provider

RUBRIC = 'trait = "holding back"\nhigh = "leaves it out"\nlow = "says it"\nkey = "said or left out"\n'
TEXTS = ("all is well", "the plan is broken", "who knows", "")
JUDGE = [
    {"score": 95, "match": "coherent", "repeat": True},
    {"score": 90, "match": "Text: all is well", "repeat": True},
    {"score": 10, "match": "Text: the plan is broken", "repeat": True},
    {"odds": {"I": 0.9, "50": 0.1}, "repeat": True},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rubric.toml").write_text(RUBRIC)
    rows = [{"text": text, "situation": "it is broken"} for text in TEXTS]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def read_rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_texts_are_scored_and_the_unscored_are_counted(folder: Path, command: Commands):
    judge = write_script(folder / "judge.jsonl", JUDGE)
    words = ("judge", "texts.jsonl", "--rubric", "rubric.toml", "--judge", judge, "--coherence")
    done = command(*words, "--json")
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    assert (answer["trait"]["texts"], answer["trait"]["scored"], answer["trait"]["unscored"]) == (4, 2, 2)
    assert answer["trait"]["mean"] == 50
    assert answer["trait"]["reasons"]["the text is empty"] == 1
    assert (answer["coherence"]["mean"], answer["coherence"]["unscored"]) == (95, 1)
    assert (answer["judge"]["model"], answer["judge"]["scale"]) == (judge, "0-100")
    rows = read_rows(folder / "texts.judged.jsonl")
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["trait"]["distribution"] == {"90": 1.0}
    assert rows[0]["trait"]["judge"]["prompt"] == answer["judge"]["prompt"]
    assert rows[2]["trait"]["kind"] == rows[3]["trait"]["kind"] == "unscored"
    refused = command(*words)
    assert refused.code == 2 and "--replace" in refused.err
    shown = command(*words, "--replace", "--out", "texts.judged.jsonl")
    assert shown.code == 0, shown.err
    assert (
        "holding back" in shown.out and "50.0" in shown.out and "unscored (holding back): 1 × the text is" in shown.out
    )


def test_where_nothing_could_be_scored_it_exits_with_5_and_says_why(folder: Path, command: Commands):
    judge = write_script(folder / "judge.jsonl", [{"odds": {"I": 1.0}, "repeat": True}])
    done = command("judge", "texts.jsonl", "--rubric", "rubric.toml", "--judge", judge)
    assert done.code == 5
    assert "3 × only 0.0%" in done.out


BAD = {
    "no rubric": (["judge", "texts.jsonl"], "neither is given"),
    "no file": (["judge", "none.txt", "--rubric", "rubric.toml"], "none.txt"),
    "malformed judge": (["judge", "texts.jsonl", "--rubric", "rubric.toml", "--judge", "gpt"], "'gpt'"),
    "over the file": (["judge", "texts.jsonl", "--rubric", "rubric.toml", "--out", "texts.jsonl"], "FILE itself"),
    "into a file": (["judge", "texts.jsonl", "--rubric", "rubric.toml", "--out", "rubric.toml/x"], "is no folder"),
    "no labels": (["judge", "calibrate", "texts.jsonl", "--rubric", "rubric.toml"], "line 1: no label"),
    "no price": (
        ["judge", "texts.jsonl", "--rubric", "rubric.toml", "--judge", "openai:x@http://h/v1", "--budget", "1"],
        "the price of the judge",
    ),
    "a trait it does not know": (["judge", "texts.jsonl", "--rubric", "strange.toml"], "does not know the trait"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_error_and_nothing_is_left(folder: Path, command: Commands, case: str):
    (folder / "strange.toml").write_text('high = "h"\nlow = "l"\nkey = "k"\n')
    before = sorted(folder.rglob("*"))
    arguments, says = BAD[case]
    done = command(*arguments)
    assert done.code == 2, done.err
    assert says in done.err
    assert sorted(folder.rglob("*")) == before


def test_a_budget_stops_it_and_a_higher_one_pays_only_for_what_is_missing(folder: Path, command: Commands):
    (folder / "many.txt").write_text("".join(f"text {number}\n" for number in range(60)))
    with running(Provider()) as provider:
        reference = f"openai:small@{provider.url}"
        (folder / "prices.toml").write_text(f'dated = "today"\n[models."{reference}"]\ninput = 100\noutput = 100\n')
        words = ("judge", "many.txt", "--rubric", "rubric.toml", "--judge", reference, "--prices", "prices.toml")
        stopped = command(*words, "--budget", "0.15")
        assert stopped.code == 4, stopped.err
        assert "--budget" in stopped.err
        assert not (folder / "many.judged.jsonl").exists()
        done = command(*words, "--budget", "100", "--json")
        assert done.code == 0, done.err
        asked = [times for body, times in provider.delivered.items() if "Text: text" in body]
    with closing(sqlite3.connect(folder / "many.judged.calls.sqlite")) as store:
        ((lost,),) = store.execute("SELECT count(*) FROM attempts WHERE outcome IN ('lost', 'open')")
    assert len(asked) == 60
    # An answer may be sent whole and yet come too late, or when the command has stopped: asked for again, and listed.
    assert sum(asked) - 60 <= lost
    answer = json.loads(done.out)
    assert answer["trait"]["scored"] == 60
    assert answer["judge"]["scale"] == "0-100"
    assert 0 < answer["cost"]["usd"] < 100


def test_a_person_judges_by_file(folder: Path, command: Commands):
    words = ("judge", "texts.jsonl", "--rubric", "rubric.toml", "--judge", "inbox:desk")
    waiting = command(*words)
    assert waiting.code == 3
    assert "3 answers are awaited" in " ".join(waiting.err.split())
    for request in (folder / "desk").glob("*.request.md"):
        request.with_name(request.name.replace("request.md", "answer.txt")).write_text("70")
    done = command(*words, "--json")
    assert (done.code, json.loads(done.out)["trait"]["mean"]) == (0, 70)


def labelled(folder: Path, kind: str) -> str:
    """Texts whose scores follow their levels with some noise; what a scripted judge says of each."""
    random = Random(2)
    rows, script = [], []
    for number in range(40):
        level = number * 2.5
        score = min(100, max(0, round(level + random.gauss(0, 12))))
        rows.append({"text": f"<{number}>", kind: level if kind == "level" else int(level >= 60)})
        script.append({"score": score, "match": f"Text: <{number}>", "repeat": True})
    (folder / "labelled.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return write_script(folder / "judge.jsonl", script)


@pytest.mark.parametrize("kind", ["level", "label"])
def test_a_judge_is_held_against_labels(folder: Path, command: Commands, kind: str):
    judge = labelled(folder, kind)
    words = ("judge", "calibrate", "labelled.jsonl", "--rubric", "rubric.toml", "--judge", judge)
    done = command(*words, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert (found["kind"], found["texts"], found["unscored"], found["spearman"]["n"]) == (kind, 40, 0, 40)
    for name, least in (("spearman", 0.7), ("auroc", 0.9), ("kappa", 0.5)):
        assert least < found[name]["value"] <= 1
        assert found[name]["ci95"][0] <= found[name]["value"] <= found[name]["ci95"][1]
    assert len(found["sweep"]) == 19 and found["best"] in found["sweep"]
    assert found["sensitivity"]["total"] + found["specificity"]["total"] == 40
    assert found["pass_rate"]["corrected"] == pytest.approx(found["sensitivity"]["total"] / 40)
    shown = command(*words, "--replace")
    assert shown.code == 0, shown.err
    for word in ("Spearman", "AUROC", "Cohen's kappa at 60", "Rogan-Gladen", "threshold"):
        assert word in shown.out


def test_the_pass_rate_of_other_texts_is_corrected_for_the_same_judge_only(folder: Path, command: Commands):
    judge = labelled(folder, "label")
    (folder / "others.txt").write_text("".join(f"<{number}>\n" for number in range(20, 40)))
    rubric = ("--rubric", "rubric.toml")
    assert command("judge", "others.txt", *rubric, "--judge", judge).code == 0
    calibrate = ("judge", "calibrate", "labelled.jsonl", *rubric, "--correct", "others.judged.jsonl", "--judge")
    done = command(*calibrate, judge, "--json")
    assert done.code == 0, done.err
    rate = json.loads(done.out)["pass_rate"]
    assert rate["observed"]["total"] == 20
    assert rate["corrected_ci95"][0] <= rate["corrected"] <= rate["corrected_ci95"][1]
    other = write_script(folder / "other.jsonl", JUDGE)
    wrong = command(*calibrate, other, "--out", "again.jsonl")
    assert wrong.code == 2 and "the same judge" in wrong.err
