"""Step 1: define the trait, and calibrate its rubric before the first pair is drafted."""

from collections.abc import Sequence

from scipy.stats import spearmanr

from agent.decisions import CalibrationText, RubricRevision, TraitDefinition
from agent.errors import GateFailed
from agent.records import Calibration, CalibrationRow, DefinitionDecision
from agent.spec import Definition, Spec
from agent.steps.authoring import ask_author
from extract.trait import Trait
from lm import Judge, JudgeItem, Model, Rubric
from prompts.quoting import one_line

FEWEST_TEXTS = 12
"""Fewest scored texts that say anything about rank agreement (METHOD, step 1)."""


async def define_trait(author: Model, spec: Spec) -> Trait:
    """The trait as a person fixed it, else as the author defines it; a rubric that a person gave stands either way.

    Raises GateFailed when the author gives no usable definition.
    """
    if spec.definition is not None:
        return _with_rubric(as_trait(spec, spec.definition), spec)
    values = {"trait": spec.trait.replace("_", " "), "category": spec.category, "idea": spec.idea}
    (answer,) = await ask_author(author, spec, "define_trait", [values], TraitDefinition, keys=["define"])
    if isinstance(answer, TraitDefinition):
        return _with_rubric(_tidied(as_trait(spec, answer)), spec)
    raise GateFailed("definition", f"the author gave no usable definition of {spec.path}: {answer.reason}")


async def calibrate_rubric(author: Model, judge: Judge, spec: Spec, trait: Trait, number: int) -> Calibration:
    """Let the author write texts at known levels and the judge score them blind; compare the ranks.

    A text's level is the one the author says it has, which may differ from the one it was asked for.
    """
    levels = spec.settings.calibration_levels
    domains = [spec.domains[index % len(spec.domains)] for index in range(len(levels))]
    values = [
        {**_rubric_values(trait), "domain": domain, "level": level}
        for domain, level in zip(domains, levels, strict=True)
    ]
    keys = [f"calibrate/{number}/{level}" for level in levels]
    cool = spec.settings.calibration_temperature
    answers = await ask_author(
        author, spec, "write_calibration_text", values, CalibrationText, keys=keys, temperature=cool
    )
    texts = [answer for answer in answers if isinstance(answer, CalibrationText)]
    verdicts = await judge.score_trait(
        trait.rubric, trait.label, [JudgeItem(situation=text.situation, text=text.text) for text in texts]
    )
    rows = tuple(
        CalibrationRow(
            level=text.level,
            situation=text.situation,
            text=text.text,
            score=verdict.value if verdict.kind == "score" else None,
        )
        for text, verdict in zip(texts, verdicts, strict=True)
    )
    agreement = _rank_agreement(rows)
    return Calibration(
        rubric_key=trait.rubric.key,
        rows=rows,
        spearman=agreement,
        passed=agreement is not None and agreement >= spec.settings.calibration_spearman,
    )


async def revise_rubric(author: Model, spec: Spec, trait: Trait, calibration: Calibration, number: int) -> Trait:
    """The trait with its rubric rewritten after a failed calibration.

    Unchanged when the author has no answer, and where a person gave the rubric.
    """
    if spec.fixed_rubric is not None:
        return trait
    scored = [row for row in calibration.rows if row.score is not None]
    worst = sorted(scored, key=lambda row: -abs((row.score or 0) - row.level))[:4]
    lines = [f"- written at {row.level}, scored {row.score:.0f}: {one_line(row.text)}" for row in worst]
    values = {**_rubric_values(trait), "disagreements": "\n".join(lines) or None}
    (answer,) = await ask_author(author, spec, "revise_rubric", [values], RubricRevision, keys=[f"revise/{number}"])
    if not isinstance(answer, RubricRevision):
        return trait
    return _tidied(trait.model_copy(update={"rubric": answer.rubric}))


def as_trait(spec: Spec, source: TraitDefinition | Definition) -> Trait:
    """The spec's trait with this definition."""
    return Trait(
        category=spec.category,
        name=spec.trait,
        is_=source.is_,
        is_not=source.is_not,
        orthogonal=source.orthogonal,
        taxonomy=source.taxonomy,
        rubric=source.rubric,
        neighbours=tuple(source.neighbours),
    )


def _tidied(trait: Trait) -> Trait:
    """The author's words on one line each: definition.txt and every prompt are read line by line."""
    fields: dict[str, object] = {name: one_line(getattr(trait, name)) for name in ("is_", "is_not", "orthogonal")}
    rubric = Rubric(**{name: one_line(text) for name, text in trait.rubric})
    neighbours = tuple(one_line(text) for text in trait.neighbours)
    return trait.model_copy(update={**fields, "rubric": rubric, "neighbours": neighbours})


def _with_rubric(trait: Trait, spec: Spec) -> Trait:
    return trait.model_copy(update={"rubric": spec.rubric}) if spec.rubric is not None else trait


def _rubric_values(trait: Trait) -> dict[str, object]:
    rubric: Rubric = trait.rubric
    return {"trait": trait.label, "high": rubric.high, "low": rubric.low, "key": rubric.key}


def _rank_agreement(rows: Sequence[CalibrationRow]) -> float | None:
    """Spearman's rank correlation of level and score; None below twelve scored texts or without any spread."""
    scored = [(row.level, row.score) for row in rows if row.score is not None]
    if len(scored) < FEWEST_TEXTS or len({score for _, score in scored}) < 2:
        return None
    levels, scores = zip(*scored, strict=True)
    return float(spearmanr(levels, scores).statistic)


def after_review(spec: Spec, decisions: Sequence[DefinitionDecision]) -> Spec:
    """The spec as its definition's reviewer left it: with the definition in the reviewer's words, or with what the
    author is to mind the next time.
    """
    edited = [decision.definition for decision in decisions if decision.decision == "edit"]
    reasons = [decision.reason for decision in decisions if decision.decision == "redraft"]
    if decisions and decisions[-1].decision == "edit":
        return spec.model_copy(update={"definition": edited[-1]})
    if reasons:
        idea = " ".join(text for text in (spec.idea, *(f"A reviewer asks: {reason}" for reason in reasons)) if text)
        return spec.model_copy(update={"definition": None, "idea": idea})
    return spec
