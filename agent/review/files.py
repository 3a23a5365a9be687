"""Reviews on disk: JSON Lines with a line a pair and a last line for the whole, and the same to read as Markdown."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import jsonlines
from pydantic import ValidationError

from agent.errors import ReviewError
from agent.folder import RunFolder, write_atomically
from agent.report.numbers import points
from agent.review.difference import split_by_difference
from agent.review.schema import DECISIONS, BatchLine, DefinitionLine, Line, PairLine, Review, ReviewId
from extract.trait import OTHER, SIDES, Side
from lm.faults import first_fault


def review_file(folder: RunFolder, id_: ReviewId) -> Path:
    """Where a review lies."""
    names = {"batch": "review.jsonl", "results": "results.jsonl"}
    if id_.kind in names:
        return folder.batch(id_.number) / names[id_.kind]
    return folder.path / "reviews" / f"{id_.key}.jsonl"


def write_review(folder: RunFolder, review: Review) -> None:
    """Write a review, decided or not."""
    rows = [*(_row(line) for line in review.lines), review.batch.model_dump()]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomically(review_file(folder, review.id), text)


def write_readable(folder: RunFolder, review: Review, order: Sequence[str]) -> None:
    """Write the review as Markdown beside its file, in the order in which a person is asked."""
    file = review_file(folder, review.id)
    write_atomically(file.with_suffix(".md"), as_markdown(review, order, file.name, folder.path.name))


def read_review(folder: RunFolder, id_: ReviewId) -> Review:
    """Read a review; ReviewError names file and line where it cannot be read."""
    file = review_file(folder, id_)
    lines: list[PairLine | DefinitionLine] = []
    batch = BatchLine(batch=id_.key)
    number = 1
    try:
        with jsonlines.open(file) as reader:
            for row in reader:
                if isinstance(row, dict) and "batch" in row:
                    batch = BatchLine.model_validate(row)
                elif isinstance(row, dict) and "definition" in row:
                    lines.append(DefinitionLine.model_validate(row))
                else:
                    lines.append(PairLine.model_validate(row))
                number += 1
    except OSError as error:
        raise ReviewError(f"cannot read {file}: {error.strerror}.") from error
    except jsonlines.InvalidLineError as error:
        raise ReviewError(f"{file}, line {error.lineno}: not a line of JSON.") from error
    except UnicodeDecodeError as error:
        raise ReviewError(f"{file}, line {number}: not UTF-8.") from error
    except ValidationError as error:
        raise ReviewError(f"{file}, line {number}: {first_fault(error)}.") from error
    if batch.batch != id_.key:
        raise ReviewError(f"{file}: its last line is about review {batch.batch!r}, but this is {id_.key!r}.")
    return Review(lines=tuple(lines), batch=batch)


def _row(line: Line) -> dict[str, object]:
    """A line with its name and answer first, where a person edits them, and what is shown after."""
    values = line.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    head = ("pair", "digest", "decision", "reason", "positive", "negative", "definition")
    answer = {"decision": line.decision, "reason": line.reason}
    return {name: (values | answer)[name] for name in head if name in values or name in answer} | {
        name: value for name, value in values.items() if name not in head
    }


def as_markdown(review: Review, order: Sequence[str], file: str, run: str) -> str:
    """The review to read: what a person is asked first comes first."""
    decisions = ", ".join(DECISIONS[review.id.kind])
    parts = [
        f"# Review of {review.id.title}\n",
        f"Decide in `{file}`: each line wants a `decision` ({decisions}), a rejection a `reason` as well. Then",
        f"`traitsmith review {run} --apply`; with `--rest` what has no decision is decided as proposed.\n",
    ]
    for name in order:
        line = review.line(name)
        parts.append(_definition(line) if isinstance(line, DefinitionLine) else _pair(line))
    return "\n".join(parts)


def _definition(line: DefinitionLine) -> str:
    given = line.definition
    rows = {
        "IS": given.is_,
        "ISN'T": given.is_not,
        "ORTHOGONAL": given.orthogonal,
        "HIGH (70-100)": given.rubric.high,
        "LOW (0-40)": given.rubric.low,
        "Key": given.rubric.key,
    }
    parts = [*(f"- {name}: {_quoted(text)}" for name, text in rows.items())]
    parts += [f"- near: {_quoted(text)}" for text in given.neighbours]
    parts += [f"- taxonomy: {_quoted(line.taxonomy)}", f"- setup: {_quoted(line.setup)}"]
    agreement = "not measured" if line.rank_agreement is None else f"{line.rank_agreement:.2f}"
    parts.append(f"\nThe judge's rank agreement with the levels the texts were written at: {agreement}.\n")
    parts += [f"- written at {row.level}, scored {points(row.score)}: {_quoted(row.text)}" for row in line.calibration]
    return "\n".join([*parts, f"\nDecision: {line.decision or 'none yet'}\n"])


def _pair(line: PairLine) -> str:
    parts = [f"## {line.pair}\n"]
    if line.cell:
        parts.append(f"{_quoted(line.cell)}\n")
    parts.append(f"Ground truth: {_quoted(line.ground_truth)}\n")
    for side in SIDES:
        mean = "" if line.tested is None else f", mean {points(line.tested.scores.get(side))}"
        parts.append(f"**{side}**{mean}\n\n> {_scenario(line, side)}\n")
        parts += [f"- {text}" for text in _about(line, side)]
        parts.append("")
    tested = line.tested
    if tested is not None:
        found = f"First tokens {tested.first_token or 'not tested'}; proposed: {'stands' if tested.stands else 'cut'}"
        parts.append(found + (f" ({tested.failure}: {_quoted(tested.evidence)})" if tested.failure else "") + "\n")
    parts += [f"! {_quoted(finding)}\n" for finding in line.findings]
    decided = line.decision or "none yet"
    parts.append(f"Decision: {decided}{f' by {line.by}' if line.decision and line.by != 'person' else ''}\n")
    return "\n".join(parts)


def _scenario(line: PairLine, side: Side) -> str:
    """One side, the words that the other side does not have in bold."""
    runs = split_by_difference(_plain(line.scenario(side)), _plain(line.scenario(OTHER[side])))
    return " ".join(f"**{_quoted(words.strip())}**" if own else _quoted(words.strip()) for words, own in runs)


def _about(line: PairLine, side: Side) -> Iterable[str]:
    if line.tested is not None:
        for sample in line.tested.samples.get(side, ()):
            yield f"{points(sample.score)}: \\[{_quoted(sample.opening)}\\]{_quoted(sample.rest)}"
    if (prediction := line.predicted.get(side)) is not None:
        express = "EXPRESS" if prediction.express else "EXPLAIN"
        yield f"predicted ({prediction.probability:.0%}, {express}): {_quoted(prediction.completion)}"


def _plain(text: str) -> str:
    """A text of a model on one line, control characters made visible."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def _quoted(text: str) -> str:
    """A text of a model that Markdown takes literally."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&])", r"\\\1", _plain(text))
