"""A judge held against labels: ranks, ways to draw the line, and what its pass rates are worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from agent.judging.agreement import (
    CorrectedRate,
    Cut,
    Estimate,
    Share,
    agreement_on,
    auroc,
    best_cut,
    corrected_rate,
    rank_agreement,
    sweep,
)
from agent.judging.scoring import JudgedText
from agent.judging.texts import TextRow
from lm.errors import UserError
from lm.types import Value

THRESHOLDS = tuple(float(threshold) for threshold in range(5, 100, 5))
"""Thresholds of the sweep."""


class JudgeCalibration(Value):
    """How far a judge agrees with labels. Every figure is of the scored texts; the unscored are counted beside."""

    kind: Literal["level", "label"]
    """What the texts are labelled with; a level of at least the threshold counts as having the trait."""
    texts: int
    unscored: int
    threshold: float
    spearman: Estimate
    auroc: Estimate
    kappa: Estimate
    sensitivity: Share
    """Texts with the trait that pass at the threshold."""
    specificity: Share
    """Texts without it that do not."""
    sweep: tuple[Cut, ...]
    best: Cut | None
    pass_rate: CorrectedRate
    """Of these texts, or of those that were named to be corrected."""


def check_labels(file: Path, rows: Sequence[TextRow]) -> Literal["level", "label"]:
    """What the rows are labelled with; UserError where a row has no label, or labels are of two kinds."""
    kind: Literal["level", "label"] = "label" if rows[0].level is None else "level"
    for row in rows:
        if getattr(row, kind) is None:
            other = "level" if kind == "label" else "label"
            what = f"a {other} among rows with a {kind}" if getattr(row, other) is not None else f"no {kind}"
            raise UserError(
                f"{file}, line {row.line}: {what}. Calibration compares scores with labels: give every row a `level` "
                "(0-100), or every row a `label` (0 or 1)."
            )
    return kind


def calibrate(
    judged: Sequence[JudgedText],
    kind: Literal["level", "label"],
    threshold: float,
    correct: Share | None = None,
) -> JudgeCalibration:
    """Hold scores against labels; `correct` are the texts that passed of others, whose pass rate is to be corrected."""
    scored = [(text.score, _label(text, kind)) for text in judged if text.score is not None]
    scores = [score for score, _ in scored]
    truth = [label >= (threshold if kind == "level" else 1) for _, label in scored]
    passed = [score >= threshold for score in scores]
    sensitivity = _share([ours for ours, has in zip(passed, truth, strict=True) if has])
    specificity = _share([not ours for ours, has in zip(passed, truth, strict=True) if not has])
    cuts = sweep(scores, truth, THRESHOLDS)
    return JudgeCalibration(
        kind=kind,
        texts=len(judged),
        unscored=len(judged) - len(scored),
        threshold=threshold,
        spearman=rank_agreement(scores, [label for _, label in scored]),
        auroc=auroc(scores, truth),
        kappa=agreement_on(truth, passed),
        sensitivity=sensitivity,
        specificity=specificity,
        sweep=cuts,
        best=best_cut(cuts),
        pass_rate=corrected_rate(correct or _share(passed), sensitivity, specificity),
    )


def read_passed(file: Path, threshold: float, judge: str) -> Share:
    """How many texts of a file of verdicts pass, of those that are scored.

    UserError where it is no such file, or where another judge than `judge` gave the verdicts.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        texts = [JudgedText.model_validate_json(line) for line in lines if line.strip()]
    except OSError as error:
        raise UserError(f"cannot read {str(file)!r}: {error.strerror}.") from error
    except ValueError as error:
        raise UserError(
            f"--correct {str(file)!r} holds no verdicts. Give a file that `traitsmith judge` wrote."
        ) from error
    verdicts = [text.trait for text in texts if text.trait.kind == "score"]
    for verdict in verdicts:
        if verdict.judge is not None and verdict.judge.model != judge:
            raise UserError(
                f"--correct {str(file)!r} holds verdicts of {verdict.judge.model!r}; the mistakes of {judge!r} say "
                "nothing of them. Give verdicts of the same judge."
            )
    return _share([verdict.value >= threshold for verdict in verdicts])


def _label(text: JudgedText, kind: Literal["level", "label"]) -> float:
    value = text.level if kind == "level" else text.label
    assert value is not None, "checked before anything was asked"
    return float(value)


def _share(passed: Sequence[bool]) -> Share:
    return Share(count=sum(passed), total=len(passed))
