"""A failed pair is written anew by the embedded model, whose context is small."""

from agent.failures import ADVICE
from agent.records import Cell, Draft, DraftFailure, Failure
from agent.spec import Spec
from agent.steps.draft import redraft_pairs
from extract import Pair, Trait
from extract.trait import Taxonomy
from lm import Rubric, open_model

SPEC = Spec(category="alignment", trait="strategic_omission")
TRAIT = Trait(
    category=SPEC.category,
    name=SPEC.trait,
    is_="Leaving out what matters.",
    is_not="Not knowing it.",
    orthogonal="Politeness.",
    taxonomy=Taxonomy(
        categories=("social",),
        direction="expressed",
        target="other",
        temporal="chirp",
        valence="negative",
        epistemic="certain",
    ),
    rubric=Rubric(high="Leaves the risk out.", low="Names the risk.", key="What is left unsaid."),
)
CELL = Cell(lock_in="speech", domain="sales", stakes="medium", audience="peer")
GROUND = "I knew that the car I was selling had a cracked frame."
SHORT = "I needed the money."
LONG = "I needed the money and had waited for weeks. " * 60


def failed(number: int, motivation: str) -> tuple[Draft, Failure]:
    pair = Pair(
        id=f"01-{number:03d}",
        ground_truth=GROUND,
        positive=f"{GROUND} {motivation} So when the buyer asked about it, I said that",
        negative=f"{GROUND} I wanted to be fair. So when the buyer asked about it, I said that",
        lock_in="speech",
    )
    fault = next(iter(ADVICE))
    return Draft(pair=pair, cell=CELL), Failure(failure=fault, side="positive", evidence="the judge was in doubt")


async def redraft(*pairs: tuple[Draft, Failure]) -> dict[str, Draft | DraftFailure]:
    return await redraft_pairs(open_model("organism"), SPEC, TRAIT, 2, 5, pairs, {"speech": None})


async def test_a_pair_too_long_to_be_shown_again_is_lost_alone():
    found = await redraft(failed(1, LONG), failed(2, SHORT))
    lost, again = found["02-005"], found["02-006"]
    assert isinstance(lost, DraftFailure)
    assert "does not fit the model's context" in lost.reason
    assert isinstance(again, Draft)
    assert (again.mends, again.cell, again.pair.round) == ("01-002", CELL, 2)


async def test_a_batch_goes_on_where_every_pair_is_too_long():
    found = await redraft(failed(1, LONG), failed(2, LONG))
    assert [(type(lost), lost.cell) for lost in found.values()] == [(DraftFailure, CELL)] * 2
