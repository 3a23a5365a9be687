"""Approval by rule: what a policy file may ask of a line before it is approved without a person.

A policy names reviews, and for each of them rules; a line that meets all of them is approved, the rest waits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError, model_validator

from agent.errors import SpecError
from agent.seeds import derive_seed
from agent.toml_files import read_toml
from extract.trait import SIDES
from lm.types import Value

if TYPE_CHECKING:
    from agent.review.schema import DefinitionLine, OutcomeShown, PairLine, Review


class Rules(Value):
    """Base of all rules: at least one must be set, so that nothing is approved by an empty section."""

    @model_validator(mode="after")
    def _some(self) -> "Rules":
        if all(value is None or value is False for value in self.model_dump().values()):
            raise ValueError(f"names no rule; allowed are {', '.join(type(self).model_fields)}")
        return self


class DefinitionRules(Rules):
    """When a definition is approved."""

    rank_agreement: float | None = Field(default=None, ge=-1, le=1)
    """The judge ranks the calibration texts at least this well."""


class BatchRules(Rules):
    """When a pair is approved before it is run."""

    no_warnings: bool = False
    """No lint has anything to say."""
    predicted: float | None = Field(default=None, ge=0, le=1)
    """Both sides are predicted to do what they should with at least this probability."""
    predicted_express: bool = False
    """Both sides are predicted to do it in their first tokens."""


class TestedRules(BatchRules):
    """When a pair is approved after its test."""

    passes: bool = False
    """Both sides meet their thresholds, and the pair is not cut for its first tokens."""
    express: bool = False
    """The first-token verdict is EXPRESS."""
    positive: float | None = Field(default=None, ge=0, le=100)
    """The positive side scores at least this."""
    negative: float | None = Field(default=None, ge=0, le=100)
    """The negative side scores at most this."""
    cut_failed: bool = False
    """A pair that failed its test is cut without asking."""


class Policy(Value):
    """Rules by review; a review that is not named is a person's."""

    definition: DefinitionRules | None = None
    batch: BatchRules | None = None
    results: TestedRules | None = None
    final: TestedRules | None = None
    ask_share: float = Field(default=0.0, ge=0, lt=1)
    """Share of what the rules would decide that a person is asked about all the same."""


def read_policy(file: Path) -> Policy:
    """Read a policy; SpecError says what is wrong with it and where."""
    try:
        policy = Policy.model_validate(read_toml(file, "policy"))
    except ValidationError as error:
        raise SpecError("\n".join(_explain(str(file), fault) for fault in error.errors())) from error
    if policy == Policy(ask_share=policy.ask_share):
        raise SpecError(f"the policy {str(file)!r} names no review: add [definition], [batch], [results] or [final].")
    return policy


def _explain(file: str, fault: object) -> str:
    assert isinstance(fault, dict)
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{file}: {where}: unknown rule. docs/review.md lists the rules of each review."
    return f"{file}: {where}: {fault['msg']}, got {fault['input']!r}."


def decide_by_rule(review: "Review", policy: Policy, seed: int) -> "Review":
    """The review with every line decided that a rule decides."""
    rules = getattr(policy, review.id.kind)
    if rules is None:
        return review
    lines = []
    for line in review.lines:
        verdict = None if line.decision is not None else _verdict(line, rules)
        if verdict is None or _asked_anyway(seed, review.id.key, line.name, policy.ask_share):
            lines.append(line)
        else:
            decision, reason = verdict
            lines.append(line.model_copy(update={"decision": decision, "reason": reason, "by": "policy"}))
    return review.model_copy(update={"lines": tuple(lines)})


def _verdict(line: "PairLine | DefinitionLine", rules: Rules) -> tuple[str, str] | None:
    """What the rules decide, and why; None where a person must."""
    from agent.review.schema import DefinitionLine

    if isinstance(line, DefinitionLine):
        assert isinstance(rules, DefinitionRules)
        wanted = rules.rank_agreement
        met = wanted is not None and line.rank_agreement is not None and line.rank_agreement >= wanted
        return ("approve", "") if met else None
    assert isinstance(rules, BatchRules)
    if isinstance(rules, TestedRules):
        if line.tested is None:
            return None
        if not line.tested.stands:
            # What the rules of the method cut is never approved by rule.
            return ("reject", line.tested.failure or "it failed its test") if rules.cut_failed else None
    return ("approve", "") if all(_met(line, rules)) else None


def _met(line: "PairLine", rules: BatchRules) -> Sequence[bool]:
    """Each rule that is set, and whether the line meets it. What is missing meets nothing."""
    predicted = [line.predicted.get(side) for side in SIDES]
    met = []
    if rules.no_warnings:
        met.append(not line.findings)
    if rules.predicted is not None:
        met.append(all(side is not None and side.probability >= rules.predicted for side in predicted))
    if rules.predicted_express:
        met.append(all(side is not None and side.express for side in predicted))
    if isinstance(rules, TestedRules):
        met += _met_after_test(line.tested, rules)
    # Rules that only cut approve nothing.
    return met or [False]


def _met_after_test(tested: "OutcomeShown | None", rules: TestedRules) -> list[bool]:
    scores = tested.scores if tested is not None else {}
    positive, negative = scores.get("positive"), scores.get("negative")
    met = []
    if rules.passes:
        met.append(tested is not None and tested.passes)
    if rules.express:
        met.append(tested is not None and tested.first_token == "EXPRESS")
    if rules.positive is not None:
        met.append(positive is not None and positive >= rules.positive)
    if rules.negative is not None:
        met.append(negative is not None and negative <= rules.negative)
    return met


def _asked_anyway(seed: int, review: str, name: str, share: float) -> bool:
    return derive_seed(seed, "asked anyway", review, name) / 2**63 < share
