"""What each review shows, laid out from the journal with empty decisions; the same journal gives the same digests."""

from collections.abc import Callable

from agent.board import Board
from agent.records import (
    Calibration,
    Failure,
    FirstTokenRecord,
    FreshTest,
    LintRecord,
    PredictionRecord,
    Trial,
    edited_key,
)
from agent.review.schema import (
    BatchLine,
    DefinitionLine,
    Level,
    OutcomeShown,
    PairLine,
    Review,
    ReviewId,
    SampleShown,
    sealed,
)
from agent.review.terms import Kind
from agent.spec import Definition
from agent.steps.analyse import decide_outcome
from extract.trait import Pair, Sample

KEPT = "the set as a whole has passed; a pair that is removed takes another round to make up for"
"""Said of a pair that failed the fresh test of a set that passed it."""


def lay_out(board: Board, id_: ReviewId) -> Review:
    """The review as it is shown to whoever decides."""
    review = Review(lines=_LINES[id_.kind](board, id_.number), batch=BatchLine(batch=id_.key))
    return review.model_copy(update={"batch": review.batch.model_copy(update={"digest": review.digest})})


def _definition(board: Board, _: int) -> tuple[DefinitionLine, ...]:
    trait = board.trait()
    calibration = list(board.journal.all(Calibration).values())[-1]
    rows = sorted(calibration.rows, key=lambda row: row.level)
    line = DefinitionLine(
        digest="",
        definition=Definition.model_validate({name: getattr(trait, name) for name in Definition.model_fields}),
        rank_agreement=calibration.spearman,
        calibration=tuple(Level(level=row.level, score=row.score, text=row.text) for row in rows),
    )
    return (sealed(line),)


def _batch(board: Board, round_number: int) -> tuple[PairLine, ...]:
    predictions, lints = board.journal.all(PredictionRecord), board.journal.all(LintRecord)
    return tuple(_line(pair, predictions, lints[pair.id]) for pair in board.to_review(round_number))


def _results(board: Board, round_number: int) -> tuple[PairLine, ...]:
    journal = board.journal
    return tuple(_tested_lines(board, board.runnable(round_number), journal.all(Trial)))


def _final(board: Board, test: int) -> tuple[PairLine, ...]:
    # The pairs as they were tested: what this review itself removes is shown by it still.
    drafts = board.drafts()
    pairs = [drafts[id_].pair for id_ in board.journal.get(FreshTest, str(test)).pairs]
    return tuple(_kept(line) for line in _tested_lines(board, pairs, board.fresh_trials(test)))


def _kept(line: PairLine) -> PairLine:
    """A line of the finished dataset: the set has passed its test as it is, so every pair is proposed to stay.

    To cut the pairs that failed would take the test that measures the set for one that chooses it; and among many pairs
    some fail every test, so that no set would ever be finished.
    """
    tested = line.tested
    if tested is None or tested.stands:
        return line
    kept = tested.model_copy(update={"stands": True, "failure": "fails afresh", "evidence": KEPT})
    return sealed(line.model_copy(update={"tested": kept}))


def _tested_lines(board: Board, pairs: list[Pair], trials: dict[str, Trial]) -> list[PairLine]:
    journal = board.journal
    predictions, lints = journal.all(PredictionRecord), journal.all(LintRecord)
    first_tokens, failures = journal.all(FirstTokenRecord), journal.all(Failure)
    lines = []
    for pair in pairs:
        first_token = first_tokens.get(pair.id)
        tested = _tested(trials[pair.id], first_token, failures.get(pair.id))
        lint = lints.get(edited_key(pair.id)) or lints[pair.id]
        lines.append(sealed(_line(pair, predictions, lint).model_copy(update={"tested": tested})))
    return lines


def _tested(trial: Trial, first_token: FirstTokenRecord | None, failure: Failure | None) -> OutcomeShown:
    return OutcomeShown(
        samples={side: tuple(_sample(sample) for sample in samples) for side, samples in trial.samples.items()},
        scores=trial.scores,
        first_token=first_token.result.verdict if first_token is not None else None,
        passes=trial.passed,
        stands=decide_outcome(trial, first_token).accepted,
        failure=failure.failure if failure is not None else None,
        evidence=failure.evidence if failure is not None else "",
    )


def _sample(sample: Sample) -> SampleShown:
    opening = sample.opening if sample.text.startswith(sample.opening) else ""
    verdict = sample.verdict
    return SampleShown(
        opening=opening,
        rest=sample.text[len(opening) :],
        score=verdict.value if verdict is not None and verdict.kind == "score" else None,
    )


def _line(pair: Pair, predictions: dict[str, PredictionRecord], lint: LintRecord) -> PairLine:
    line = PairLine(
        pair=pair.id,
        digest="",
        positive=pair.positive,
        negative=pair.negative,
        ground_truth=pair.ground_truth,
        cell=_cell(pair),
        predicted=predictions[pair.id].predictions if pair.id in predictions else {},
        findings=tuple(f"{finding.code}: {finding.message}" for finding in lint.findings),
    )
    return sealed(line)


def _cell(pair: Pair) -> str:
    stakes = f"{pair.stakes} stakes" if pair.stakes else ""
    names = (pair.lock_in.replace("_", "-"), pair.domain, stakes, pair.audience)
    return " · ".join(name for name in names if name)


_LINES: dict[Kind, Callable[[Board, int], tuple[PairLine | DefinitionLine, ...]]] = {
    "definition": _definition,
    "batch": _batch,
    "results": _results,
    "final": _final,
}
"""What each kind of review shows, by its number."""
