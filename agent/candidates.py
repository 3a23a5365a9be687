"""What is vetted: an existing dataset, or two files of scenarios; and what can be measured of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import SpecError
from agent.folder import Part, dataset_path
from agent.spec import Spec, build_spec
from agent.steps.define import as_trait
from extract.candidates import common_clauses, load_candidates
from extract.dataset import Dataset, Steering, load_dataset
from extract.trait import Pair, Trait

FEWEST_QUESTIONS = 4
"""Steering needs two questions to choose by and two to confirm by."""


@dataclass(frozen=True)
class Candidates:
    """Pairs to vet, the trait they are of, and the steering questions that belong to them."""

    trait: Trait
    pairs: tuple[Pair, ...]
    steering: Steering


@dataclass(frozen=True)
class Plan:
    """The parts that are done, and in words why others are not."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...]


def read_candidates(
    name: str, sides: tuple[Path | None, Path | None], file: Path | None, given: dict[str, Any], out: Path
) -> tuple[Spec, Candidates]:
    """The specification of a vetting run and what it vets.

    `name` is CATEGORY/TRAIT or a dataset's folder; `sides` are the files of the candidates, if there are any, and
    `file` a spec. Raises UserError for what is missing or cannot be read.
    """
    folder = Path(name) if Path(name).is_dir() else None
    found = load_dataset(folder) if folder else None
    spec = build_spec(found.trait.path if found else name, file, given)
    here = dataset_path(out, spec)
    if found is None and here.is_dir():
        found = load_dataset(here)
    trait = as_trait(spec, spec.definition) if spec.definition else found.trait if found else None
    pairs = _read_pairs(sides, found)
    if trait is None or pairs is None:
        raise SpecError(
            f"there is no dataset at {here}. Name another folder (or --out), or give candidates with --positive and "
            "--negative and, in a --spec file, the [definition] of the trait."
        )
    # Nobody is asked to write anything; a vetting run names no author of its own.
    asked = spec.model_copy(update={"author": spec.judge, "pairs": len(pairs)})
    return asked, Candidates(trait, _as_drafts(pairs), found.steering if found else Steering())


def plan_vetting(spec: Spec, steering: Steering, scenarios_only: bool) -> Plan:
    """What of a vetting can be done with these models and questions.

    Raises SpecError for questions that could not be steered on.
    """
    if scenarios_only:
        return Plan(("scenarios",), ())
    weightless = [role for role in ("subject", "assistant") if spec.weights(role) is None]
    parts: list[Part] = ["scenarios"]
    left_out = [f"no weights of the {role}: name them with --{role}-weights to measure more" for role in weightless]
    if steering.questions:
        parts.append("baseline")
    else:
        left_out.append("no steering questions: neither baseline nor steering is measured")
    if "subject" not in weightless:
        parts.append("directions")
    if steering.questions and not weightless:
        _check_questions(steering.questions)
        parts.append("steering")
    return Plan(tuple(parts), tuple(left_out))


def _read_pairs(sides: tuple[Path | None, Path | None], found: Dataset | None) -> Sequence[Pair] | None:
    positive, negative = sides
    if positive is not None and negative is not None:
        return load_candidates(positive, negative)
    if positive is not None or negative is not None:
        lacking = "--negative" if negative is None else "--positive"
        raise SpecError(f"{lacking} is missing: candidates are two files, matched by line number.")
    return found.pairs if found else None


def _as_drafts(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs as if they had just been drafted; what another run found of them is no evidence here."""
    counts = Counter(pair.id for pair in pairs)
    if unusable := [id_ for id_, count in counts.items() if count > 1 or "@" in id_]:
        raise SpecError(f"pairs.jsonl: the id {unusable[0]!r} stands twice or holds an '@'. Give each pair its own id.")
    unknown: dict[str, Any] = {"predicted": {}, "completions": {}, "scores": {}, "first_token": None, "round": 1}
    return tuple(
        pair.model_copy(
            update=unknown | {"ground_truth": pair.ground_truth or common_clauses(pair.positive, pair.negative)}
        )
        for pair in pairs
    )


def _check_questions(questions: Sequence[str]) -> None:
    repeated = [text for text, count in Counter(questions).items() if count > 1]
    if len(questions) < FEWEST_QUESTIONS or repeated:
        what = f"the question {repeated[0]!r} twice" if repeated else f"{len(questions)} questions"
        raise SpecError(
            f"steering.json has {what}; steering needs at least {FEWEST_QUESTIONS} questions, each once. Mend it, or "
            "vet with --scenarios-only."
        )
