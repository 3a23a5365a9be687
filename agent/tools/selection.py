"""Which pairs a tool works on."""

from agent.coverage import choose_balanced
from agent.records import FirstTokenRecord, Trial
from agent.workshop import Workshop
from extract.trait import Pair


def results_of_round(workshop: Workshop, round_number: int) -> tuple[dict[str, Trial], dict[str, FirstTokenRecord]]:
    """The trials of a round's pairs, and the first-token verdicts known so far; by pair id."""
    ids = {pair.id for pair in workshop.board.runnable(round_number)}
    trials = {id_: trial for id_, trial in workshop.journal.all(Trial).items() if id_ in ids}
    return trials, workshop.journal.all(FirstTokenRecord)


def chosen_pairs(workshop: Workshop) -> list[Pair]:
    """The standing pairs that make a balanced set, as many as are wanted at most."""
    return choose_balanced(workshop.board.standing(), workshop.spec)


def final_pairs(workshop: Workshop) -> list[Pair]:
    """The pairs of the latest fresh test, with everything known about them."""
    test = workshop.board.last_test()
    if test is None:
        return []
    wanted = set(test.pairs)
    return workshop.board.complete([pair for pair in workshop.board.standing() if pair.id in wanted])
