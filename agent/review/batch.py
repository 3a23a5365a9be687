"""A batch laid out for its reviewer, and the answers taken back: the one schema under every face of the review.

`batches/NNN/review.jsonl` holds a line a pair and a last line for the batch. It is written with empty decisions; a
person (or the terminal) fills them in. Answers are checked against the batch's digest: nothing unseen is approved.
"""

import hashlib
import json
from pathlib import Path
from typing import Literal

import jsonlines
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import GateFailed, ReviewError
from agent.folder import RunFolder, write_atomically
from agent.records import BatchDecision, LintRecord, PairDecision, PredictionRecord
from agent.workshop import Workshop
from extract.trait import Pair, Prediction, Side


class PairLine(BaseModel):
    """One pair of a batch: what the reviewer sees, and the decision once it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pair: str
    digest: str
    positive: str
    negative: str
    predicted: dict[Side, Prediction] = {}
    findings: tuple[str, ...] = ()
    decision: Literal["approve", "edit", "reject", "redraft", "defer"] | None = None
    reason: str = ""


class BatchLine(BaseModel):
    """The last line of a review: what to do with the batch as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int
    action: Literal["continue", "redraft", "scale", "stop"] | None = None


class Review(BaseModel):
    """A batch's review, decided or not."""

    model_config = ConfigDict(frozen=True)

    pairs: tuple[PairLine, ...]
    batch: BatchLine

    @property
    def digest(self) -> str:
        """Digest of everything the reviewer is shown."""
        return _sha256("".join(line.digest for line in self.pairs))

    def undecided(self) -> list[str]:
        """Pairs without a decision; a decision on the batch that is not 'continue' or 'scale' stands for all."""
        if self.batch.action in ("redraft", "stop"):
            return []
        return [line.pair for line in self.pairs if line.decision is None]


def prepare_review(workshop: Workshop, round_number: int) -> Review:
    """Lay a round's pairs out; a review file that is there already is left as it is."""
    predictions = workshop.journal.all(PredictionRecord)
    lints = workshop.journal.all(LintRecord)
    lines = tuple(
        _line(pair, predictions[pair.id], lints[pair.id])
        for pair in workshop.board.unblocked(round_number, edited=False)
    )
    review = Review(pairs=lines, batch=BatchLine(batch=round_number))
    if workshop.info.review != "none" and not review_file(workshop.folder, round_number).exists():
        write_review(workshop.folder, round_number, review)
    return review


def apply_review(workshop: Workshop, round_number: int) -> None:
    """Write the reviewer's decisions to the journal; with review none everything is approved.

    Raises ReviewError when the review is not complete, GateFailed when the reviewer ends the run.
    """
    shown = prepare_review(workshop, round_number)
    if workshop.info.review == "none":
        decisions = {line.pair: PairDecision(decision="approve", by="none") for line in shown.pairs}
        action: Literal["continue", "redraft", "scale", "stop"] = "continue"
    else:
        review = read_review(workshop.folder, round_number)
        check_review(review, shown)
        action = review.batch.action or "continue"
        decisions = {
            line.pair: _decision(line, seen, action) for line, seen in zip(review.pairs, shown.pairs, strict=True)
        }
    workshop.journal.append(decisions)
    workshop.journal.append({str(round_number): BatchDecision(action=action)})
    if action == "stop":
        raise GateFailed("review", f"the reviewer ended the run in round {round_number}.")


def check_review(review: Review, shown: Review) -> None:
    """Raise ReviewError unless the answers are about exactly what was shown, and complete."""
    if [(line.pair, line.digest) for line in review.pairs] != [(line.pair, line.digest) for line in shown.pairs]:
        raise ReviewError(
            f"the review of batch {shown.batch.batch} does not list the pairs of that batch in their order with their "
            "digests. Delete the file to have it written anew."
        )
    if undecided := review.undecided():
        raise ReviewError(
            f"batch {shown.batch.batch} waits: {len(undecided)} of {len(shown.pairs)} pairs have no decision "
            f"({', '.join(undecided[:5])}{', …' if len(undecided) > 5 else ''})."
        )
    for line, seen in zip(review.pairs, shown.pairs, strict=True):
        changed = (line.positive, line.negative) != (seen.positive, seen.negative)
        if changed != (line.decision == "edit"):
            raise ReviewError(
                f"pair {line.pair}: the decision is {line.decision!r} but its text is "
                f"{'changed' if changed else 'unchanged'}. A changed text needs the decision 'edit', and only that."
            )
        if any(not text.strip() or len(text.splitlines()) != 1 for text in (line.positive, line.negative)):
            raise ReviewError(f"pair {line.pair}: a scenario must be one line that is not blank.")
        if line.decision == "reject" and not line.reason.strip():
            raise ReviewError(f"pair {line.pair}: a rejection needs a reason; the author reads it with the next draft.")


def review_file(folder: RunFolder, round_number: int) -> Path:
    """Where a batch's review lies."""
    return folder.batch(round_number) / "review.jsonl"


def write_review(folder: RunFolder, round_number: int, review: Review) -> None:
    """Write a review, decided or not."""
    rows = [line.model_dump() for line in review.pairs] + [review.batch.model_dump()]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomically(review_file(folder, round_number), text)


def read_review(folder: RunFolder, round_number: int) -> Review:
    """Read a review; ReviewError names file and line where it cannot be read."""
    file = review_file(folder, round_number)
    pairs: list[PairLine] = []
    batch = BatchLine(batch=round_number)
    try:
        with jsonlines.open(file) as reader:
            for row in reader:
                if isinstance(row, dict) and "batch" in row:
                    batch = BatchLine.model_validate(row)
                else:
                    pairs.append(PairLine.model_validate(row))
    except OSError as error:
        raise ReviewError(f"cannot read {file}: {error.strerror}.") from error
    except jsonlines.InvalidLineError as error:
        raise ReviewError(f"{file}, line {error.lineno}: not a line of JSON.") from error
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ReviewError(f"{file}, line {len(pairs) + 1}: {where}: {fault['msg']}, got {fault['input']!r}.") from error
    return Review(pairs=tuple(pairs), batch=batch)


def _decision(line: PairLine, seen: PairLine, action: str) -> PairDecision:
    if action in ("redraft", "stop"):
        return PairDecision(decision="redraft", reason=line.reason, by="person")
    assert line.decision is not None  # checked before
    edited = line.decision == "edit"
    return PairDecision(
        decision=line.decision,
        reason=line.reason,
        positive=line.positive if edited and line.positive != seen.positive else None,
        negative=line.negative if edited and line.negative != seen.negative else None,
        by="person",
    )


def _line(pair: Pair, prediction: PredictionRecord, lint: LintRecord) -> PairLine:
    shown = [pair.id, pair.positive, pair.negative, prediction.model_dump_json(), lint.model_dump_json()]
    return PairLine(
        pair=pair.id,
        digest=_sha256("\x1f".join(shown))[:16],
        positive=pair.positive,
        negative=pair.negative,
        predicted=prediction.predictions,
        findings=tuple(f"{finding.code}: {finding.message}" for finding in lint.findings),
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
