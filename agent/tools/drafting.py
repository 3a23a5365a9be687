"""Draft a batch, and what is done with it before anybody sees it."""

from agent.coverage import plan_cells
from agent.records import Draft, DraftFailure, Failure, LintRecord
from agent.steps.decide import approach_advice, batch_size
from agent.steps.draft import draft_pairs, redraft_pairs
from agent.steps.predict import predict_completions
from agent.tools.selection import chosen_pairs
from agent.tools.tool import Done, OfRound, declare
from agent.workshop import Workshop
from extract.lint.pairs import lint_pair


@declare(OfRound, Done)
async def draft_batch(workshop: Workshop, given: OfRound) -> Done:
    """Draft a batch: a pair per cell of the coverage grid, and redrafts of pairs that failed."""
    spec, board, author = workshop.spec, workshop.board, workshop.cast.author
    size = max(_batch_size(workshop, given.round), len(board.sent_back(given.round - 1)))
    failed = _to_redraft(workshop, given.round, int(size * spec.settings.redraft_share))
    drafts = workshop.journal.all(Draft)
    cells = plan_cells(spec, size - len(failed), given.round, [drafts[pair.id].cell for pair in board.standing()])
    advice = approach_advice(given.approach)
    lessons = "\n".join(line for line in (f"- {advice}" if advice else "", board.lessons() or "") if line) or None
    guidance = {"winners": board.winners(), "lessons": lessons, "reasons": board.reasons(), "avoid": None}
    written = await draft_pairs(author, spec, board.trait(), given.round, cells, guidance)
    written |= await redraft_pairs(author, spec, board.trait(), given.round, len(cells), failed, lessons)
    workshop.journal.append(written)
    lost = sum(isinstance(draft, DraftFailure) for draft in written.values())
    return Done(summary=f"{len(written) - lost} pairs drafted, {len(failed)} of them redrafts, {lost} malformed")


@declare(OfRound, Done)
async def lint_batch(workshop: Workshop, given: OfRound) -> Done:
    """Check every drafted pair without a model; pairs with errors go no further."""
    board = workshop.board
    label = board.trait().label
    earlier = [draft.pair for draft in board.drafts().values() if draft.pair.round < given.round]
    records: dict[str, LintRecord] = {}
    for id_, draft in board.drafts(given.round).items():
        records[id_] = LintRecord(findings=lint_pair(draft.pair, earlier, label))
        earlier.append(draft.pair)
    workshop.journal.append(records)
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
