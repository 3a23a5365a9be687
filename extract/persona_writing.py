"""The writing half of persona vectors: a trait's definition, answers under opposite system prompts, their scores.

Definitions are JSON files as persona_vectors has them (instruction, questions, eval_prompt), with the rubric beside
them; answers are CSV files that `extract.persona` and persona_vectors read. Source: Chen et al. 2025, Persona Vectors.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from lm.asking import NoAnswer, ask
from lm.errors import ModelFailure, UserError
from lm.faults import first_fault
from lm.judge import Judge, JudgeItem
from lm.types import Message, Model, Request, Sampling, Value
from lm.verdicts import Rubric, Verdict
from prompts import load_prompt

INSTRUCTIONS, QUESTIONS = 5, 40
"""Pairs of system prompts, and questions; half of the questions are kept for evaluation."""
SAMPLES, ANSWER_TOKENS = 10, 400
"""Answers to each question and side, and tokens of each at most."""
_DEFINITION_TOKENS, _LEAST_DEFINITION_TOKENS = 8_000, 3_000

Pole = Literal["pos", "neg"]
Render = Callable[[tuple[Message, ...]], str]
"""A chat as the text that the assistant reads, its template included."""


class Instruction(Value):
    """System prompts that ask for the trait and for its opposite."""

    pos: str = Field(min_length=1)
    neg: str = Field(min_length=1)


class Definition(Value):
    """What a trait's answers are asked with, and how they are scored."""

    instruction: tuple[Instruction, ...] = Field(min_length=INSTRUCTIONS, max_length=INSTRUCTIONS)
    questions: tuple[str, ...] = Field(min_length=QUESTIONS, max_length=QUESTIONS)
    rubric: Rubric

    @property
    def extracting(self) -> tuple[str, ...]:
        """Questions that vectors come from."""
        return self.questions[: QUESTIONS // 2]

    @property
    def evaluating(self) -> tuple[str, ...]:
        """Questions that no vector has seen."""
        return self.questions[QUESTIONS // 2 :]


class ScoredAnswer(Value):
    """One answer of the assistant, as a row of a CSV file."""

    question_id: int
    question: str
    prompt: str
    answer: str
    trait: Verdict
    coherence: Verdict


async def define_persona(author: Model, trait: str, about: str, *, seed: int = 0) -> Definition:
    """Let an author write a definition. ModelFailure where it gives no usable one."""
    [found] = await ask(
        author,
        "define_persona",
        [{"trait": label_of(trait), "about": about}],
        Definition,
        seeds=[seed],
        max_tokens=_DEFINITION_TOKENS,
        least_tokens=_LEAST_DEFINITION_TOKENS,
    )
    if isinstance(found, NoAnswer):
        raise ModelFailure(
            f"{author.reference!r} wrote no definition of {trait}: {found.reason}. Try again with another --seed, name "
            "another author, or write the definition yourself (--definition)."
        )
    return found


async def write_answers(
    assistant: Model,
    judge: Judge,
    trait: str,
    definition: Definition,
    pole: Pole,
    render: Render,
    *,
    samples: int = SAMPLES,
    max_tokens: int = ANSWER_TOKENS,
    seed: int = 0,
) -> list[ScoredAnswer]:
    """Answers to the extraction questions under one pole's system prompts, with scores; refused ones stay empty.

    Sample s is asked with instruction s mod 5, so that row n of both poles is the same question and instruction pair.
    """
    asked = [(number, sample) for number in range(len(definition.extracting)) for sample in range(samples)]
    chats = [_chat(definition, pole, number, sample) for number, sample in asked]
    requests = [
        Request(prompt=chat, sampling=Sampling(max_tokens=max_tokens, seed=_seed(seed, pole, *place)))
        for chat, place in zip(chats, asked, strict=True)
    ]
    done = await assistant.complete(requests)
    texts = [one.answer for one in done]
    questions = [definition.extracting[number] for number, _ in asked]
    items = [JudgeItem(situation=question, text=text) for question, text in zip(questions, texts, strict=True)]
    verdicts = await judge.score_answers(definition.rubric, label_of(trait), items)
    return [
        ScoredAnswer(
            question_id=number,
            question=question,
            prompt=render(chat),
            answer=text,
            trait=shown,
            coherence=coherent,
        )
        for (number, _), question, chat, text, (shown, coherent) in zip(
            asked, questions, chats, texts, verdicts, strict=True
        )
    ]


def label_of(trait: str) -> str:
    """A trait's name as people write it."""
    return trait.replace("_", " ")


def save_definition(definition: Definition, folder: Path, trait: str) -> list[Path]:
    """Write `trait_data_extract/TRAIT.json` and `trait_data_eval/TRAIT.json`, twenty questions each."""
    prompt = _eval_prompt(definition.rubric, trait)
    parts = {"trait_data_extract": definition.extracting, "trait_data_eval": definition.evaluating}
    paths = []
    for name, questions in parts.items():
        told = {**definition.model_dump(), "questions": questions, "eval_prompt": prompt}
        paths.append(_write(folder / name / f"{trait}.json", json.dumps(told, indent=4, ensure_ascii=False) + "\n"))
    return paths


def load_definition(folder: Path, trait: str) -> Definition:
    """Read both files again. Raises UserError that names the file and what is wrong with it."""
    files = [folder / name / f"{trait}.json" for name in ("trait_data_extract", "trait_data_eval")]
    parts = []
    for file in files:
        try:
            parts.append(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read as a definition: {error}.") from error
    if not all(isinstance(part, dict) for part in parts) or "rubric" not in parts[0]:
        raise UserError(f'{files[0]} has no "rubric": an object with "high", "low" and "key" says how to score.')
    questions = [question for part in parts for question in part.get("questions", [])]
    told = {"instruction": parts[0].get("instruction"), "questions": questions, "rubric": parts[0]["rubric"]}
    try:
        return Definition.model_validate(told)
    except ValidationError as error:
        raise UserError(f"{files[0]} and {files[1]}: {first_fault(error)}.") from error


def save_answers(answers: Sequence[ScoredAnswer], file: Path, trait: str) -> Path:
    """Write a CSV file: question, prompt, answer, question_id, the trait's score, coherence; empty where unscored."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["question", "prompt", "answer", "question_id", trait, "coherence"])
    for row in answers:
        scores = [f"{one.value:.2f}" if one.kind == "score" else "" for one in (row.trait, row.coherence)]
        writer.writerow([row.question, row.prompt, row.answer, row.question_id, *scores])
    return _write(file, text.getvalue())


def _chat(definition: Definition, pole: Pole, number: int, sample: int) -> tuple[Message, ...]:
    instruction = definition.instruction[sample % INSTRUCTIONS]
    told = instruction.pos if pole == "pos" else instruction.neg
    return Message(role="system", content=told), Message(role="user", content=definition.extracting[number])


def _eval_prompt(rubric: Rubric, trait: str) -> str:
    """How other programs' judges are asked; they fill in {question} and {answer}."""
    values = {**rubric.model_dump(), "trait": label_of(trait), "situation": "{question}", "text": "{answer}"}
    rendered = load_prompt("judge_trait").render(values)
    return f"{rendered.system}\n\n{rendered.user}"


def _seed(*parts: object) -> int:
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:6], "big")


def _write(file: Path, text: str) -> Path:
    """The file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(file)
    return file
