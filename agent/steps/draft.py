"""Step 2: draft a batch of pairs, each for one cell of the coverage grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agent.coverage import LOCK_IN_FORMS
from agent.decisions import PairDraft
from agent.failures import ADVICE
from agent.records import Cell, Draft, DraftFailure, Failure
from agent.spec import Spec
from agent.steps.authoring import ask_author
from extract.trait import LOCK_INS, LockIn, Pair, SetupRule, Trait
from lm import Model, NoAnswer
from lm.errors import ContextTooSmall
from prompts import load_prompt

SETUPS: dict[SetupRule, str] = {
    SetupRule.MOTIVATED: "what the speaker knows, then an explicit reason, then an ending that demands the act",
    SetupRule.DENIED: "a neutral scene that states no guilt, then a plausible explanation, then an ending mid-speech",
    SetupRule.OBSERVED: "a scene, then a character who acts, then the start of the description",
    SetupRule.MARKED: "a situation, then a mark of the trait, then the start of its expression",
}
"""What a scenario is made of, as the author is told, by setup rule."""


@dataclass(frozen=True)
class Guidance:
    """What the run has learned for one request, each part as lines; None where there is nothing yet."""

    winners: str | None = None
    """The best pairs of the cell and of cells like it."""
    lessons: str | None = None
    reasons: str | None = None
    """What the reviewer sent back, and why."""
    avoid: str | None = None
    """Near neighbours in the set, and endings that are used up."""


async def draft_pairs(
    author: Model,
    spec: Spec,
    trait: Trait,
    round_number: int,
    cells: Mapping[str, Cell],
    guidance: Mapping[str, Guidance],
    setup: SetupRule | None = None,
) -> dict[str, Draft | DraftFailure]:
    """One pair per cell, by pair id; a cell without a usable answer is kept as a failure.

    `setup` is the rule to write by where it is not the trait's own.
    """
    ids = list(cells)
    frame = _frame(trait, spec, setup)
    values = [{**frame, **_cell_values(cells[id_]), **vars(guidance.get(id_, Guidance()))} for id_ in ids]
    answers = await ask_author(author, spec, "draft_pair", values, PairDraft, keys=ids)
    return {
        id_: _as_draft(id_, round_number, cell, answer, spec, mends=None)
        if isinstance(answer, PairDraft)
        else DraftFailure(cell=cell, reason=answer.reason)
        for (id_, cell), answer in zip(cells.items(), answers, strict=True)
    }


async def redraft_pairs(
    author: Model,
    spec: Spec,
    trait: Trait,
    round_number: int,
    first_index: int,
    failed: Sequence[tuple[Draft, Failure]],
    lessons: Mapping[str, str | None],
    setup: SetupRule | None = None,
) -> dict[str, Draft | DraftFailure]:
    """A new pair on the topic of each failed one, told what went wrong. Keys are new pair ids.

    `lessons` are those for each lock-in type.
    """
    ids = [pair_id(round_number, first_index + index) for index in range(len(failed))]
    frame = _frame(trait, spec, setup)
    values = [
        {
            **frame,
            **_cell_values(draft.cell),
            "positive": draft.pair.positive,
            "negative": draft.pair.negative,
            "failure": failure.failure,
            # What a reviewer sent back has no class; the reviewer's reason says what to do.
            "advice": ADVICE.get(failure.failure, failure.evidence),
            "lessons": lessons.get(draft.cell.lock_in),
        }
        for draft, failure in failed
    ]
    answers: Sequence[PairDraft | NoAnswer]
    try:
        answers = await ask_author(author, spec, "redraft_pair", values, PairDraft, keys=ids)
    except ContextTooSmall as error:  # what a model wrote is too long to be shown to it again
        answers = [NoAnswer(reason=str(error))] * len(ids)
    return {
        id_: _as_draft(id_, round_number, draft.cell, answer, spec, mends=draft.pair.id)
        if isinstance(answer, PairDraft)
        else DraftFailure(cell=draft.cell, reason=answer.reason)
        for id_, (draft, _), answer in zip(ids, failed, answers, strict=True)
    }


def pair_id(round_number: int, index: int) -> str:
    """A pair's name: its round and its place in it."""
    return f"{round_number:02d}-{index:03d}"


def join_parts(*parts: str) -> str:
    """One scenario from its parts: joined by a space, except before a part that begins with punctuation."""
    text = ""
    for part in parts:
        part = part.strip()
        text += part if not text or part[:1] in ",.;:" else f" {part}"
    return text


def _as_draft(id_: str, round_number: int, cell: Cell, answer: PairDraft, spec: Spec, mends: str | None) -> Draft:
    pair = Pair(
        id=id_,
        ground_truth=answer.ground_truth,
        positive=join_parts(answer.ground_truth, answer.positive_motivation, answer.positive_lock_in),
        negative=join_parts(answer.ground_truth, answer.negative_motivation, answer.negative_lock_in),
        lock_in=as_lock_in(cell.lock_in),
        domain=cell.domain,
        stakes=cell.stakes,
        audience=cell.audience,
        motivation={"positive": answer.positive_motivation.strip(), "negative": answer.negative_motivation.strip()},
        author=spec.author,
        round=round_number,
    )
    return Draft(pair=pair, cell=cell, mends=mends)


def as_lock_in(name: str) -> LockIn:
    """The lock-in type of a cell's name ('mid-claim' -> 'mid_claim')."""
    return next((lock_in for lock_in in LOCK_INS if lock_in == name.replace("-", "_")), "other")


def _frame(trait: Trait, spec: Spec, setup: SetupRule | None) -> dict[str, object]:
    """What is the same for all requests of a run, as long as its approach is."""
    rule = setup or trait.taxonomy.setup_rule
    return {
        "trait": trait.label,
        "definition": trait.is_,
        "high": trait.rubric.high,
        "low": trait.rubric.low,
        "key": trait.rubric.key,
        "neighbours": "\n".join(f"- {line}" for line in trait.neighbours) or None,
        "setup": SETUPS[rule],
        "forms": load_prompt(f"form_{rule.value}").user,
        "forbidden": ", ".join(spec.forbidden) or None,
    }


def _cell_values(cell: Cell) -> dict[str, object]:
    return {
        "lock_in": cell.lock_in,
        "lock_in_form": LOCK_IN_FORMS.get(cell.lock_in, "ends right before the act"),
        "domain": cell.domain,
        "stakes": cell.stakes or "any",
        "audience": cell.audience or "anyone",
    }
