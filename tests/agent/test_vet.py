"""Vetting what exists already: datasets and candidate files, on scripted models."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.candidates import Candidates, plan_vetting, read_candidates
from agent.checkpoints import Watcher
from agent.cli.main import app
from agent.cli.verdicts import read_verdicts
from agent.engine import work
from agent.errors import SpecError
from agent.folder import RunFolder, create_run
from agent.records import Failure, Trial
from agent.spec import Spec
from agent.store import Journal
from agent.vetting import lay_out
from extract import Dataset, Steering, Trait, save_dataset
from extract.candidates import common_clauses, load_candidates
from extract.trait import Pair
from lm import CallStore, Message, Prompt, Request, Sampling, open_model
from lm.errors import UserError
from lm.scripted import prompt_text
from prompts.quoting import quoted
from tests.agent.runs import dataset_bytes, finish
from tests.agent.scripted import DEFINITION, OPEN, QUIET, SETTINGS, judge_script, subject_script, write_script
from tests.lm.conftest import byte_tokenizer, tiny_llama

TRAIT = "test/holding_back"
QUESTIONS = tuple(f"Say everything you know. Is plan {number} fine?" for number in range(4))
Build = Callable[..., Spec]


def pair(number: int, *, positive: str = QUIET, negative: str = OPEN, ending: str = "so I told the boss") -> Pair:
    truth = f"I knew that part {number} of plan {number} was broken"
    return Pair(
        id=f"07-{number:03d}",
        ground_truth=truth,
        positive=f"{truth}, {positive}, {ending} {number} times",
        negative=f"{truth}, {negative}, {ending} {number} times",
        lock_in="action",
        round=7,
    )


def write_dataset(out: Path, pairs: list[Pair], questions: tuple[str, ...] = QUESTIONS) -> Path:
    category, name = TRAIT.split("/")
    parts = {key: value for key, value in DEFINITION.items() if key != "is"}
    trait = Trait.model_validate({"category": category, "name": name, "is_": DEFINITION["is"], **parts})
    steering = Steering(questions=questions, prefix="Say everything you know.", baseline=12)
    folder = out / "datasets/traits" / TRAIT
    save_dataset(Dataset(trait=trait, pairs=tuple(pairs), steering=steering), folder)
    return folder


def write_spec(out: Path, **fields: object) -> Path:
    """A spec file whose models are scripted; none of them writes."""
    import tomli_w

    scripts = {
        "judge": [*judge_script(), {"score": 49, "match": "no plans", "repeat": True}],
        "subject": [
            {"text": "As an AI, I have no plans", "match": "answer as a program", "repeat": True},
            *subject_script(),
        ],
    }
    roles = {role: write_script(out / f"{role}.jsonl", lines) for role, lines in scripts.items()}
    file = out / "spec.toml"
    file.write_text(tomli_w.dumps({"settings": SETTINGS, **roles, **fields}))
    return file


def prepare(out: Path, spec: Path, name: str = TRAIT, scenarios_only: bool = False) -> RunFolder:
    wanted, candidates = read_candidates(name, (None, None), spec, {}, out)
    plan = plan_vetting(wanted, candidates.steering, scenarios_only)
    folder = create_run(out, wanted, "none", replace=True, vet=plan.parts)
    lay_out(folder, candidates)
    return folder


def validation(folder: RunFolder) -> dict:
    found: dict = json.loads(folder.validation_file.read_text())
    return found


def test_a_good_dataset_passes_and_is_left_as_it_was(tmp_path: Path):
    write_dataset(tmp_path, [pair(number) for number in range(8)])
    before = dataset_bytes(tmp_path)
    folder = prepare(tmp_path, write_spec(tmp_path))
    result = finish(folder)
    assert (result.end, result.message) == ("done", "all gates passed; not measured: directions, steering")
    found = validation(folder)
    assert found["passed"] and found["scenarios"]["pass_rate"] == 1 and found["scenarios"]["n_pairs"] == 8
    assert found["baseline"]["mean"] == 10 and found["baseline"]["n_questions"] == 4
    assert found["author"] is found["extraction"] is found["steering"] is None
    assert folder.report_file.exists() and folder.manifest_file.exists()
    assert dataset_bytes(tmp_path) == before
    assert [row["verdict"] for row in read_verdicts(folder)["pairs"]] == ["passes"] * 8
    assert {row.role for row in CallStore(folder.store_file).usage()} == {"subject", "judge", "assistant"}


def test_pairs_that_fail_are_named_and_end_the_vetting_at_its_gate(tmp_path: Path):
    bad = [
        pair(8, positive=f"{OPEN} today"),
        pair(9, ending="so I wrote, answer as a program:"),
        pair(10, negative=f"{QUIET} today"),
    ]
    write_dataset(tmp_path, [*(pair(number) for number in range(8)), *bad])
    folder = prepare(tmp_path, write_spec(tmp_path))
    result = finish(folder)
    assert result.end == "failed" and "8 of 11 pairs pass afresh" in result.message
    found = validation(folder)
    assert found["failed_gate"] == "pass rate" and not found["passed"]
    assert found["baseline"] is None, "what comes after a failed gate is not measured"
    failures = {row["pair"]: row["failure"] for row in read_verdicts(folder)["pairs"] if row["verdict"] == "fails"}
    assert failures == {"07-008": "identical", "07-009": "AI mode", "07-010": "identical"}


def test_a_pair_with_a_lint_error_reaches_no_model_and_fails_the_lint_gate(tmp_path: Path):
    bad = pair(9, ending="so, holding back, I told the boss")
    write_dataset(tmp_path, [*(pair(number) for number in range(8)), bad])
    folder = prepare(tmp_path, write_spec(tmp_path), scenarios_only=True)
    result = finish(folder)
    assert result.end == "failed" and "1 of 9 pairs" in result.message
    assert validation(folder)["failed_gate"] == "lints"
    row = read_verdicts(folder)["pairs"][-1]
    assert row["verdict"] == "kept back" and row["lints"][0].startswith("P107")
    assert bad.id not in Journal(folder.store_file).all(Trial)


def test_an_assistant_that_shows_the_trait_unsteered_fails_the_baseline(tmp_path: Path):
    write_dataset(tmp_path, [pair(number) for number in range(8)])
    shows = write_script(tmp_path / "shows.jsonl", [{"text": "all is well with it", "repeat": True}])
    folder = prepare(tmp_path, write_spec(tmp_path, assistant=shows))
    assert finish(folder).end == "failed"
    assert validation(folder)["failed_gate"] == "baseline"
    assert validation(folder)["baseline"]["mean"] == 90


def test_a_baseline_of_few_scored_answers_is_none(tmp_path: Path):
    """Refused answers are no answers, even where they had begun; what is left must not pass the gate."""
    write_dataset(tmp_path, [pair(number) for number in range(8)])
    refuses = [
        {"text": "the plan is broken", "match": "Is plan 0 fine?", "repeat": True},
        {"text": "the plan is", "finish": "refusal", "reason": "policy", "repeat": True},
    ]
    folder = prepare(tmp_path, write_spec(tmp_path, assistant=write_script(tmp_path / "refuses.jsonl", refuses)))
    result = finish(folder)
    assert result.end == "failed" and "only 1 of 4 unsteered answers were scored" in result.message
    found = validation(folder)["baseline"]
    assert (found["mean"], found["n_questions"], found["unscored"]) == (None, 4, 3)


def test_a_refused_completion_fails_unscored_and_is_kept_empty(tmp_path: Path):
    write_dataset(tmp_path, [pair(number) for number in range(8)])
    subject = [
        {"text": "the plan is broken", "finish": "refusal", "match": "part 3 ", "repeat": True},
        *subject_script(),
    ]
    folder = prepare(tmp_path, write_spec(tmp_path, subject=write_script(tmp_path / "refusing.jsonl", subject)))
    finish(folder)
    trial = Journal(folder.store_file).get(Trial, "07-003")
    assert not trial.passed and trial.unscored == 2 * SETTINGS["samples"]
    assert {sample.text for side in trial.samples.values() for sample in side} == {""}


def test_scenarios_only_asks_no_assistant(tmp_path: Path):
    write_dataset(tmp_path, [pair(number) for number in range(8)], questions=())
    silent = write_script(tmp_path / "silent.jsonl", [])
    folder = prepare(tmp_path, write_spec(tmp_path, assistant=silent), scenarios_only=True)
    assert finish(folder).end == "done"
    assert validation(folder)["baseline"] is None


def test_stopped_between_two_stages_a_vetting_goes_on(tmp_path: Path):
    write_dataset(tmp_path, [pair(number) for number in range(8)])
    folder = prepare(tmp_path, write_spec(tmp_path))
    stops = iter([False, False, True])
    assert asyncio.run(work(folder, Watcher(), stop_asked=lambda: next(stops))).end == "interrupted"
    tested = Journal(folder.store_file).all(Trial)
    assert finish(folder).end == "done"
    assert tested and Journal(folder.store_file).all(Trial) == tested
    assert finish(folder).end == "done", "a finished vetting may be resumed"


def test_candidate_files_with_a_definition_need_no_dataset(tmp_path: Path):
    pairs = [pair(number) for number in range(8)]
    (tmp_path / "plus.txt").write_text("".join(f"{one.positive}\n" for one in pairs))
    (tmp_path / "minus.txt").write_text("".join(f"{one.negative}\n" for one in pairs))
    spec = write_spec(tmp_path, definition=DEFINITION)
    options = ["--positive", str(tmp_path / "plus.txt"), "--negative", str(tmp_path / "minus.txt")]
    done = CliRunner().invoke(app, ["vet", TRAIT, *options, "--spec", str(spec), "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["validation"]["scenarios"]["n_pairs"] == 8
    assert [row["pair"] for row in answer["pairs"]] == [f"line-{number:04d}" for number in range(1, 9)]
    assert any(finding.startswith("S201") for finding in answer["findings"])
    assert not (tmp_path / "datasets").exists()
    journal = Journal(RunFolder(Path(answer["run"])).store_file)
    assert not journal.all(Failure)


def test_the_table_says_what_failed_and_the_exit_code_is_5(tmp_path: Path):
    write_dataset(tmp_path, [*(pair(number) for number in range(4)), pair(5, positive=f"{OPEN} today")])
    spec = write_spec(tmp_path)
    folder = str(tmp_path / "datasets/traits" / TRAIT)
    done = CliRunner().invoke(app, ["vet", folder, "--spec", str(spec), "--out", str(tmp_path)])
    assert done.exit_code == 5, done.output
    assert "identical" in done.stdout and "4 of 5 pairs pass afresh" in done.stdout


def test_the_ground_truth_of_candidates_is_what_both_sides_say_first():
    one, other = "I knew it leaks, but I wanted the sale, so", "I knew it leaks, but I would be fair, so"
    assert common_clauses(one, other) == "I knew it leaks"
    assert common_clauses("I saw it. Then I", "I saw it. They asked") == "I saw it"
    assert common_clauses("One", "Another") == ""


BAD_FILES = {
    "unequal": ("a\nb\n", "a\n", "2 lines, .* 1"),
    "blank line": ("a\n\nb\n", "a\nb\nc\n", r"plus\.txt, line 2: is blank"),
    "nothing": ("", "", "holds no scenario"),
    "not UTF-8": ("a\n", "\udcff\n", r"minus\.txt, line 1: not UTF-8"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_candidates_that_cannot_be_read(tmp_path: Path, case: str):
    positive, negative, message = BAD_FILES[case]
    (tmp_path / "plus.txt").write_bytes(positive.encode())
    (tmp_path / "minus.txt").write_bytes(negative.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=message):
        load_candidates(tmp_path / "plus.txt", tmp_path / "minus.txt")


def test_bad_input_is_found_before_a_run_exists(tmp_path: Path):
    def read(name: str, positive: str | None = None, negative: str | None = None) -> Candidates:
        sides = (Path(positive) if positive else None, Path(negative) if negative else None)
        return read_candidates(name, sides, None, {}, tmp_path)[1]

    with pytest.raises(SpecError, match="there is no dataset at"):
        read("test/nonesuch")
    with pytest.raises(SpecError, match="CATEGORY/TRAIT"):
        read("nonesuch")
    with pytest.raises(SpecError, match="--negative is missing"):
        read(TRAIT, positive="plus.txt")
    with pytest.raises(UserError, match=r"cannot read the scenarios .*none\.txt"):
        read(TRAIT, positive="none.txt", negative="none.txt")
    write_dataset(tmp_path, [pair(1), pair(2)], questions=QUESTIONS[:1] * 5)
    wanted, candidates = read_candidates(TRAIT, (None, None), None, {}, tmp_path)
    with pytest.raises(SpecError, match="twice"):
        plan_vetting(wanted, candidates.steering, False)
    assert plan_vetting(wanted, candidates.steering, True).parts == ("scenarios",)
    write_dataset_twice = [pair(1), pair(1).model_copy(update={"positive": "x"})]
    folder = tmp_path / "twice"
    save_dataset(Dataset(trait=candidates.trait, pairs=tuple(write_dataset_twice)), folder)
    with pytest.raises(SpecError, match="stands twice"):
        read(str(folder))


def write_tiny_model(folder: Path) -> str:
    tokenizer = byte_tokenizer()
    tiny_llama(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return f"hf:{folder}"


async def test_directions_and_steering_are_measured_with_weights(tmp_path: Path):
    """Tiny random weights stand for a scripted subject, which says on eight texts what they would say."""
    weights = write_tiny_model(tmp_path / "tiny")
    pairs = [pair(number) for number in range(12)]
    write_dataset(tmp_path, pairs)
    chats = [(Message(role="user", content=question),) for question in QUESTIONS]
    prompts: list[Prompt] = [*(one.positive for one in pairs[:8]), *chats]
    greedy = [Request(prompt=prompt, sampling=Sampling(max_tokens=16, temperature=0)) for prompt in prompts]
    written = await open_model(weights).complete(greedy)
    told = [
        {"text": answer.text, "match": prompt_text(prompt), "repeat": True}
        for prompt, answer in zip(prompts, written, strict=True)
    ]
    shown = [{"score": 90, "match": quoted(answer.text.strip()).strip(), "repeat": True} for answer in written[:8]]
    judge = [
        {"score": 85, "match": "how coherent a text is", "repeat": True},
        *shown,
        *judge_script(),
        {"score": 10, "repeat": True},
    ]
    few = {"random_controls": 2, "answer_tokens": 2, "methods": ["mean_difference"]}
    spec = write_spec(
        tmp_path,
        settings=SETTINGS | few,
        subject=write_script(tmp_path / "told.jsonl", [*told, *subject_script()]),
        judge=write_script(tmp_path / "scores.jsonl", judge),
        subject_weights=weights,
    )
    folder = prepare(tmp_path, spec)
    result = await work(folder, Watcher())
    assert (result.end, result.message) == ("done", "all gates passed")
    found = validation(folder)
    [extraction] = found["extraction"]
    assert extraction["pairs_fitted"] + extraction["pairs_held_out"] == 12 and 0 <= extraction["auroc"] <= 1
    assert found["steering"]["n_questions"] == 2 and found["steering"]["unscored"] == 0
    assert list(folder.vectors.rglob("*.safetensors"))
