"""Draft a batch, and what is done with it before anybody sees it."""

from agent.coverage import LOCK_IN_FORMS, cell_name, plan_cells, used_up_endings
from agent.records import Cell, Draft, DraftFailure, Failure, LintRecord
from agent.steps.decide import OBSERVED, approach_advice, batch_size
from agent.steps.draft import Guidance, draft_pairs, pair_id, redraft_pairs
from agent.steps.predict import predict_completions
from agent.tools.selection import chosen_pairs
from agent.tools.tool import Done, OfRound, declare
from agent.workshop import Workshop
from extract.lint.pairs import lint_pair, terms_of
from extract.trait import SetupRule


@declare(OfRound, Done)
async def draft_batch(workshop: Workshop, given: OfRound) -> Done:
    """Draft a batch: pairs that a person brought, one per cell of the coverage grid, and redrafts of failed ones."""
    spec, board, author = workshop.spec, workshop.board, workshop.cast.author
    trait, setup = board.trait(), _setup(given.approach)
    size = max(_batch_size(workshop, given.round), len(board.sent_back(given.round - 1)))
    failed = _to_redraft(workshop, given.round, int(size * spec.settings.redraft_share))
    starters = _take_starters(workshop, given.round, size - len(failed))
    lessons = {lock_in: _lessons(workshop, given.approach, lock_in) for lock_in in LOCK_IN_FORMS}
    cells = _plan(workshop, given.round, len(starters), size - len(failed) - len(starters))
    guidance = _guide(workshop, given.round, cells, lessons)
    written: dict[str, Draft | DraftFailure] = {**starters}
    written |= await draft_pairs(author, spec, trait, given.round, cells, guidance, setup)
    first = len(starters) + len(cells)
    written |= await redraft_pairs(author, spec, trait, given.round, first, failed, lessons, setup)
    workshop.journal.append(written)
    lost = sum(isinstance(draft, DraftFailure) for draft in written.values())
    brought = f"{len(starters)} of the spec, " if starters else ""
    return Done(
        summary=f"{len(written) - lost} pairs drafted, {brought}{len(failed)} of them redrafts, {lost} malformed"
    )


@declare(OfRound, Done)
async def lint_batch(workshop: Workshop, given: OfRound) -> Done:
    """Check every drafted pair without a model; pairs with errors go no further."""
    board = workshop.board
    terms = terms_of(board.trait(), workshop.spec.forbidden, first_person=_first_person(workshop, given.approach))
    earlier = [draft.pair for draft in board.drafts().values() if draft.pair.round < given.round]
    records: dict[str, LintRecord] = {}
    for id_, draft in board.drafts(given.round).items():
        records[id_] = LintRecord(findings=lint_pair(draft.pair, earlier, terms))
        earlier.append(draft.pair)
    workshop.journal.append({str(given.round): terms, **records})
    blocked = sum(record.blocked for record in records.values())
    return Done(summary=f"{len(records) - blocked} pairs pass the lints, {blocked} are kept back")


@declare(OfRound, Done)
async def predict_batch(workshop: Workshop, given: OfRound) -> Done:
    """Let the author predict both completions of every pair before anything is run."""
    board = workshop.board
    pairs = board.unblocked(given.round)
    records = await predict_completions(workshop.cast.author, workshop.spec, board.trait(), pairs)
    workshop.journal.append(records)
    return Done(summary=f"{sum(len(r.predictions) for r in records.values())} completions predicted")


def _setup(approach: str) -> SetupRule | None:
    """The setup rule that an approach asks for, where it is not the trait's own."""
    return SetupRule.DENIED if approach == OBSERVED else None


def _first_person(workshop: Workshop, approach: str) -> bool:
    return workshop.board.trait().taxonomy.direction == "expressed" and approach != OBSERVED


def _take_starters(workshop: Workshop, round_number: int, most: int) -> dict[str, Draft]:
    """The next of the spec's own pairs, as many as there is room for; by pair id."""
    drafts = workshop.journal.all(Draft).values()
    taken = sum(draft.starter for draft in drafts if draft.pair.round < round_number)
    starters = workshop.spec.starters[taken : taken + most]
    pairs = [starter.as_pair(pair_id(round_number, index), round_number) for index, starter in enumerate(starters)]
    return {
        pair.id: Draft(
            pair=pair,
            cell=Cell(lock_in=cell_name(pair.lock_in), domain=pair.domain, stakes=pair.stakes, audience=pair.audience),
            starter=True,
        )
        for pair in pairs
    }


def _plan(workshop: Workshop, round_number: int, first: int, number: int) -> dict[str, Cell]:
    """The cells that this round asks for, by the id that each pair will have."""
    board, drafts = workshop.board, workshop.journal.all(Draft)
    standing = [drafts[pair.id].cell for pair in board.standing()]
    cells = plan_cells(workshop.spec, number, round_number, board.tried(round_number), standing)
    return {pair_id(round_number, first + index): cell for index, cell in enumerate(cells)}


def _guide(
    workshop: Workshop, round_number: int, cells: dict[str, Cell], lessons: dict[str, str | None]
) -> dict[str, Guidance]:
    """What the author is shown with each cell."""
    board = workshop.board
    reasons, endings = board.reasons(), used_up_endings(board.standing(), workshop.spec)
    used_up = [f"any ending on {ending!r}: it is used up" for ending in endings]
    starters = [f"- {one.positive}\n  {one.negative}" for one in workshop.spec.starters[:2]]
    models, near = board.best_pairs(), board.ground_truths(round_number)
    return {
        id_: Guidance(
            winners=models.for_cell(cell) or "\n".join(starters) or None,
            lessons=lessons[cell.lock_in],
            reasons=reasons,
            avoid="\n".join(f"- {line}" for line in (*near.get(cell.domain, ()), *used_up)) or None,
        )
        for id_, cell in cells.items()
    }


def _lessons(workshop: Workshop, approach: str, lock_in: str) -> str | None:
    """What the author is to mind at one kind of ending: the approach first, then what was learned."""
    advice = approach_advice(approach)
    lines = (f"- {advice}" if advice else "", workshop.board.lessons(lock_in) or "")
    return "\n".join(line for line in lines if line) or None


def _to_redraft(workshop: Workshop, round_number: int, most: int) -> list[tuple[Draft, Failure]]:
    """All pairs that the last round's reviewer sent back, and as many of those that failed as there is room for."""
    board = workshop.board
    sent_back = board.sent_back(round_number - 1)
    known = {draft.pair.id for draft, _ in sent_back}
    failed = [row for row in board.failed(round_number - 1) if row[0].pair.id not in known]
    return sent_back + failed[: max(most - len(sent_back), 0)]


def _batch_size(workshop: Workshop, round_number: int) -> int:
    rounds, settings = workshop.board.rounds(), workshop.spec.settings
    last_yield = rounds[-1].yield_ if rounds and round_number > 1 else None
    if last_yield is not None and workshop.board.action(round_number - 1) == "scale":
        last_yield = max(last_yield, settings.yield_floor)
    return batch_size(settings, workshop.spec.pairs - len(chosen_pairs(workshop)), last_yield)
