"""validation.json: both gates, the steering report and the cost, with null for whatever was not done."""

from statistics import fmean
from typing import Any

from agent.board import Board
from agent.records import Ending, ExtractionRecord, FreshTest, FreshTrial, Questions, SteeringRecord
from agent.spec import Spec
from agent.steps.decide import wilson_interval
from agent.store import Journal
from extract.trait import Side
from lm import Usage
from lm.calls import total_usd


def build_validation(spec: Spec, journal: Journal, usage: list[Usage]) -> dict[str, Any]:
    """The content of validation.json, from what the journal holds."""
    board = Board(journal)
    ending = journal.find(Ending, "ending")
    return {
        "trait": spec.path,
        "subject": spec.subject,
        "assistant": spec.reference("assistant"),
        "judge": spec.judge,
        "author": spec.author,
        "seed": spec.seed,
        "rounds": [
            {"drafted": r.drafted, "passed": r.passed, "yield": round(r.yield_, 4), "approach": r.approach}
            for r in board.rounds()
        ],
        "scenarios": _scenarios(spec, journal, board.last_test()),
        "first_token": _first_token(journal, board.last_test()),
        "baseline": _baseline(spec, journal),
        "extraction": _extraction(journal),
        "steering": _steering(journal),
        "cost": _cost(usage),
        "passed": ending is not None and ending.passed,
        "failed_gate": ending.gate if ending else None,
        "message": ending.message if ending else "the run has not ended",
    }


def _scenarios(spec: Spec, journal: Journal, test: FreshTest | None) -> dict[str, Any] | None:
    if test is None:
        return None
    number = len(journal.all(FreshTest))
    trials = [journal.get(FreshTrial, f"{id_}@{number}") for id_ in test.pairs]
    return {
        "n_pairs": len(test.pairs),
        "passed": len(test.passed),
        "pass_rate": _share(len(test.passed), len(test.pairs)),
        "pass_rate_ci95": wilson_interval(len(test.passed), len(test.pairs)),
        "positive_mean": _mean(trials, "positive"),
        "negative_mean": _mean(trials, "negative"),
        "unscored": test.unscored,
        "thresholds": {"positive_min": spec.settings.positive_min, "negative_max": spec.settings.negative_max},
    }


def _first_token(journal: Journal, test: FreshTest | None) -> dict[str, Any] | None:
    from agent.records import FirstTokenRecord

    if test is None or not test.pairs:
        return None
    verdicts = [journal.get(FirstTokenRecord, id_).result.verdict for id_ in test.pairs]
    return {
        "express_rate": _share(verdicts.count("EXPRESS"), len(verdicts)),
        "explain_rate": _share(verdicts.count("EXPLAIN"), len(verdicts)),
        "unclear_rate": _share(verdicts.count("UNCLEAR"), len(verdicts)),
        "n_pairs": len(verdicts),
    }


def _baseline(spec: Spec, journal: Journal) -> dict[str, Any] | None:
    questions = journal.find(Questions, "questions")
    if questions is None:
        return None
    return {
        "mean": questions.baseline,
        "max_allowed": spec.settings.baseline_max,
        "n_questions": len(questions.questions),
        "unscored": sum(question.baseline is None for question in questions.questions),
        "prefix": questions.prefix,
        "passed": questions.baseline is not None and questions.baseline < spec.settings.baseline_max,
    }


def _extraction(journal: Journal) -> list[dict[str, Any]] | None:
    """How well held-out pairs separate at the best layer of each position and method."""
    records = list(journal.all(ExtractionRecord).values())
    best = [next((row for row in r.figures if row.layer == r.best_layer), None) for r in records]
    found = [
        {
            "position": record.position,
            "method": record.method,
            "layer": record.best_layer,
            "auroc": row.auroc if row else None,
            "auroc_ci95": record.best_auroc_ci95,
            "pairs_fitted": record.pairs_fitted,
            "pairs_held_out": record.pairs_held_out,
        }
        for record, row in zip(records, best, strict=True)
    ]
    return found or None


def _steering(journal: Journal) -> dict[str, Any] | None:
    record = journal.find(SteeringRecord, "steering")
    return None if record is None else record.report.summary()


def _cost(usage: list[Usage]) -> dict[str, Any]:
    return {
        "usd": total_usd(usage),
        "attempts": sum(row.attempts for row in usage),
        "calls": sum(row.calls for row in usage),
        "tokens_in": sum(row.tokens_in for row in usage),
        "tokens_cached": sum(row.tokens_cached for row in usage),
        "tokens_out": sum(row.tokens_out for row in usage),
        "seconds": round(sum(row.seconds for row in usage), 1),
    }


def _mean(trials: list[FreshTrial], side: Side) -> float | None:
    scores = [score for trial in trials if (score := trial.scores[side]) is not None]
    return round(fmean(scores), 2) if scores else None


def _share(count: int, total: int) -> float:
    return round(count / total, 4) if total else 0.0
