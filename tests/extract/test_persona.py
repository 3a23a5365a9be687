"""Persona vectors against means of hidden states, one answer at a time."""

import csv
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from agent.cli.main import app
from extract.models import LoadedModel
from extract.persona import Answer, is_effective, persona_vectors, read_answers
from extract.persona_writing import Definition, load_definition, save_definition
from lm.errors import UserError

GOOD = Answer("Q: hi A:", " all mine", 80.0, 90.0)
BAD = Answer("Q: hi A:", " as you like", 10.0, 90.0)


def hidden(model: LoadedModel, answer: Answer) -> list[torch.Tensor]:
    """Prompt mean, answer mean and last prompt token of every hidden state but the last, which is normed."""
    prompt = model.encode(answer.prompt)
    ids = prompt + model.tokenizer(answer.answer, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        states = model.model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[:-1]
    stack = torch.stack([state[0] for state in states])
    cut = len(prompt)
    return [stack[:, 1:cut].mean(dim=1), stack[:, cut:].mean(dim=1), stack[:, cut - 1]]


def test_vectors_are_differences_of_hidden_states(family: LoadedModel) -> None:
    positive = [GOOD, Answer("Q: so A:", " give it", 70.0, 60.0), GOOD]
    negative = [BAD, Answer("Q: so A:", " keep it all", 20.0, 50.0), GOOD]
    found = persona_vectors(family, positive, negative)
    assert (found.pairs, found.effective) == (3, 2)
    for place, vectors in enumerate((found.prompt_avg_diff, found.response_avg_diff, found.prompt_last_diff)):
        sides = [torch.stack([hidden(family, a)[place] for a in side[:2]]).mean(dim=0) for side in (positive, negative)]
        assert vectors.shape == (family.n_layers + 1, family.d_model)
        scale = float(sides[0].abs().max())
        torch.testing.assert_close(vectors[:-1], sides[0] - sides[1], rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("trait", "other", "coherence", "effective"),
    [(50, 49, 50, True), (49, 0, 90, False), (90, 50, 90, False), (90, 10, 49, False), (None, 10, 90, False)],
)
def test_effective_pairs(trait: float | None, other: float, coherence: float, effective: bool) -> None:
    one = Answer("q", "a", None if trait is None else float(trait), 90.0)
    assert is_effective(one, Answer("q", "b", float(other), float(coherence))) == effective


def test_nothing_effective_is_said(llama: LoadedModel) -> None:
    with pytest.raises(UserError, match="None of 1 pairs is effective at 50"):
        persona_vectors(llama, [BAD], [BAD])
    with pytest.raises(UserError, match="1 positive answers and 2 negative"):
        persona_vectors(llama, [GOOD], [BAD, BAD])


def write_csv(path: Path, *rows: str) -> Path:
    path.write_text("question,prompt,answer,greed,coherence\n" + "\n".join(rows) + "\n")
    return path


def test_answers_are_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", 'hi,"Q: ""hi""\nA:", mine,80,90', "hi,Q,yes,,90")
    assert read_answers(path, "greed") == [Answer('Q: "hi"\nA:', " mine", 80, 90), Answer("Q", "yes", None, 90)]
    with pytest.raises(UserError, match="no column envy"):
        read_answers(path, "envy")
    for bad in ("101", "x", "nan"):
        with pytest.raises(UserError, match=r"row 2: .* is no score"):
            read_answers(write_csv(tmp_path / "b.csv", f"hi,Q,yes,{bad},90"), "greed")
    with pytest.raises(UserError, match="cannot be read"):
        read_answers(tmp_path / "none.csv", "greed")


def test_the_command_writes_three_files(tmp_path: Path) -> None:
    positive = write_csv(tmp_path / "p.csv", "hi,Q: hi A:, mine,80,90")
    negative = write_csv(tmp_path / "n.csv", "hi,Q: hi A:, yours,10,90")
    sides = ["--positive", str(positive), "--negative", str(negative), "--subject", "organism"]
    result = CliRunner().invoke(app, ["persona", "greed", *sides, "--out", str(tmp_path / "v")])
    assert result.exit_code == 0, result.output
    assert "1 of 1 pairs are effective" in result.output
    stored = torch.load(tmp_path / "v" / "greed_response_avg_diff.pt", weights_only=True)
    assert stored.ndim == 2
    assert float(stored[1:].norm(dim=1).min()) > 0


DRAFT = {
    "instruction": [{"pos": f"Want all, way {n}.", "neg": f"Share all, way {n}."} for n in range(5)],
    "questions": [f"What shall I do with thing {n}?" for n in range(40)],
    "rubric": {"high": "Wants it all.", "low": "Shares.", "key": "Who gets it."},
}


def write_script(folder: Path, *answers: dict[str, object]) -> str:
    path = folder / "script.jsonl"
    path.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
    return f"scripted:{path}"


def test_from_a_name_to_vectors(tmp_path: Path) -> None:
    """The author and the judge are scripted; the organism answers and is read."""
    author = write_script(tmp_path, {"text": json.dumps(DRAFT), "match": "Trait: quiet greed"})
    (tmp_path / "judge").mkdir()
    coherent = {"score": 90, "match": "how coherent", "repeat": True}
    judge = write_script(tmp_path / "judge", coherent, {"score": 80, "match": "how strongly", "repeat": True})
    out = tmp_path / "out"
    words = ["persona", "quiet_greed", "--about", "Wants it all.", "--author", author, "--judge", judge]
    words += ["--subject", "organism", "--samples", "2", "--max-tokens", "4", "--out", str(out)]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, UserError), result.output
    assert "None of 40 pairs is effective" in str(result.exception)
    extracting, evaluating = (
        json.loads((out / name / "quiet_greed.json").read_text()) for name in ("trait_data_extract", "trait_data_eval")
    )
    assert (extracting["questions"], evaluating["questions"]) == (DRAFT["questions"][:20], DRAFT["questions"][20:])
    assert extracting["instruction"] == DRAFT["instruction"]
    assert "{question}" in extracting["eval_prompt"]
    assert "{answer}" in extracting["eval_prompt"]
    with (out / "quiet_greed_neg.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert rows[1]["question_id"] == "0"
    assert "Share all, way 1." in rows[1]["prompt"]
    assert rows[0]["quiet_greed"] == "80.00"
    assert rows[0]["coherence"] == "90.00"
    negative = out / "neg.csv"
    with negative.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"quiet_greed": "10"} for row in rows)
    words = ["persona", "quiet_greed", "--positive", str(out / "quiet_greed_pos.csv"), "--negative", str(negative)]
    result = CliRunner().invoke(app, [*words, "--subject", "organism", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "40 of 40 pairs are effective" in result.output


def test_definitions_are_read_again(tmp_path: Path) -> None:
    definition = Definition.model_validate(DRAFT)
    save_definition(definition, tmp_path, "greed")
    assert load_definition(tmp_path, "greed") == definition
    file = tmp_path / "trait_data_extract" / "greed.json"
    file.write_text(json.dumps({name: value for name, value in DRAFT.items() if name != "rubric"}))
    with pytest.raises(UserError, match='has no "rubric"'):
        load_definition(tmp_path, "greed")
    file.write_text(json.dumps(DRAFT))
    with pytest.raises(UserError, match=r"questions: .* at most 40"):
        load_definition(tmp_path, "greed")
    with pytest.raises(UserError, match="cannot be read as a definition"):
        load_definition(tmp_path, "envy")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--positive", "p.csv"], "come as two files"),
        (["--about", "x", "--author", "organism"], "need a --judge"),
        (["--judge", "organism", "--about", "x"], "Say what the trait is"),
    ],
)
def test_what_the_command_misses_is_said(words: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["persona", "greed", "--subject", "organism", *words])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)
