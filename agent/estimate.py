"""What a run would ask its models and what that would cost, before any of it is asked: fewest and most, by step.

Fewest: every answer is usable, every pair passes at once. Most: every answer of the author is as long as it may be and
asked for twice, and all rounds are used up. Failed attempts are in neither; what servers keep of prompts would make
both cheaper.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.cast import open_cast
from agent.coverage import plan_cells
from agent.errors import SpecError
from agent.failures import ADVICE
from agent.handoff import evaluation_settings
from agent.records import Cell, Draft, Failure
from agent.rehearsal import Amount, Rehearsal, Times
from agent.spec import ROLES, Spec
from agent.spending import Spending
from agent.steps.agreement import PROMPTS, TOKENS
from agent.steps.analyse import learn_lessons
from agent.steps.decide import batch_size
from agent.steps.define import calibrate_rubric, define_trait, revise_rubric
from agent.steps.draft import Guidance, draft_pairs
from agent.steps.first_token import examine_first_tokens
from agent.steps.predict import predict_completions
from agent.steps.questions import write_questions
from agent.steps.trial import try_pairs
from extract.trait import Pair, Trait
from lm import CallStore, Request, Sampling
from lm.ledger import Ledger
from lm.metering import Use
from lm.prices import Price, PriceList, load_prices
from lm.references import parse_reference

_GUIDANCE = {"winners": 2, "lessons": 4, "reasons": 8, "avoid": 2}
"""Lines of each block that a late round puts into its prompts."""


@dataclass(frozen=True)
class Cost:
    """Calls, tokens and what they cost."""

    calls: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    """None where the price is unknown, or is one of time."""
    usd_known: float = 0.0
    """USD of what has a price."""


@dataclass(frozen=True)
class Line:
    """One role in one step."""

    step: str
    role: str
    model: str
    low: Cost
    high: Cost


@dataclass(frozen=True)
class Estimate:
    """All lines, and what cannot be said."""

    lines: tuple[Line, ...]
    budget: float | None
    notes: tuple[str, ...]

    @property
    def low(self) -> Cost:
        """The fewest, in all."""
        return _sum([line.low for line in self.lines])

    @property
    def high(self) -> Cost:
        """The most, in all."""
        return _sum([line.high for line in self.lines])


@dataclass(frozen=True)
class Plan:
    """How often things are done."""

    rounds: Times
    drafted: Times
    tests: Times
    """Fresh tests of all wanted pairs; none where the rounds cannot bring that many."""


async def estimate_run(spec: Spec, spending: Spending) -> Estimate:
    """Open and check the models as a run does (served ones are asked what they can do), and rehearse the run.

    Raises SpecError as `open_cast` does, and for a replay, which asks nothing.
    """
    if spending.cache == "replay":
        raise SpecError(
            "--dry-run with --cache replay: a replay asks nothing and costs nothing. Leave one of them out."
        )
    prices = load_prices(Path(spending.prices) if spending.prices else None)
    calls = CallStore(Path(":memory:"))
    try:
        async with open_cast(spec, calls, Ledger(calls, prices, spending.budget)) as cast:
            rehearsal, notes = Rehearsal(cast), list(_unpriced(spec, prices))
            notes += await _rehearse(rehearsal, spec)
    finally:
        calls.close()
    lines = []
    for (step, role), count in rehearsal.counts.items():
        price = prices.of(spec.reference(role))
        low, high = _cost(count.fewest, price), _cost(count.most, price, is_most=True)
        lines.append(Line(step, role, spec.reference(role), low, high))
    return Estimate(tuple(lines), spending.budget, tuple(notes))


async def _rehearse(rehearsal: Rehearsal, spec: Spec) -> list[str]:
    """Every step once, each counted as often as the plan has it; what cannot be said."""
    plan = plan_rounds(spec)
    trait = await _rehearse_definition(rehearsal, spec)
    pair = await _rehearse_rounds(rehearsal, spec, trait, plan)
    if not plan.tests.most:
        return [f"{spec.rounds} rounds cannot bring {spec.pairs} pairs: the run would end there. Raise --rounds."]
    with rehearsal.during("fresh_test", plan.tests):
        # All pairs of a fresh test look alike here: one stands for them.
        await try_pairs([pair], rehearsal.subject, rehearsal.judge, trait, spec, "fresh")
    with rehearsal.during("write_steering_questions", Times(1, 1)):
        await write_questions(rehearsal.author, rehearsal.assistant, rehearsal.judge, spec, trait, [pair])
    return await _rehearse_steering(rehearsal, spec, trait)


async def _rehearse_definition(rehearsal: Rehearsal, spec: Spec) -> Trait:
    tries = spec.settings.calibration_tries
    with rehearsal.during("define", Times(1, 1)):
        trait = await define_trait(rehearsal.author, spec)
    with rehearsal.during("define", Times(1, tries)):
        calibration = await calibrate_rubric(rehearsal.author, rehearsal.judge, spec, trait, 0)
    with rehearsal.during("define", Times(0, tries)):
        await revise_rubric(rehearsal.author, spec, trait, calibration, 0)
    if spec.fixed_rubric is None:
        # Once more where every other approach has failed.
        with rehearsal.during("decide", Times(0, 1)):
            await revise_rubric(rehearsal.author, spec, trait, calibration, tries)
            await calibrate_rubric(rehearsal.author, rehearsal.judge, spec, trait, tries)
    return trait


async def _rehearse_rounds(rehearsal: Rehearsal, spec: Spec, trait: Trait, plan: Plan) -> Pair:
    """One pair through a round, for all of them; the pair."""
    author, subject, judge = rehearsal.author, rehearsal.subject, rehearsal.judge
    (cell,) = plan_cells(spec, 1, 1, [], [])
    draft = await _rehearse_drafting(rehearsal, spec, trait, cell, plan)
    pair = draft.pair
    with rehearsal.during("predict_batch", plan.drafted):
        await predict_completions(author, spec, trait, [pair])
    with rehearsal.during("test_batch", plan.drafted):
        trials = await try_pairs([pair], subject, judge, trait, spec, "trial")
    with rehearsal.during("test_batch_first_tokens", plan.drafted):
        await examine_first_tokens([pair], trials, subject, judge, trait, spec)
    with rehearsal.during("analyse_batch", Times(0, plan.rounds.most)):
        failures = {pair.id: Failure(failure="drift", side=None, evidence="")}
        for failure in ADVICE:
            failures[pair.id] = failures[pair.id].model_copy(update={"failure": failure})
            await learn_lessons(author, spec, trait, 1, failures, {pair.id: draft}, trials)
    return pair


async def _rehearse_drafting(rehearsal: Rehearsal, spec: Spec, trait: Trait, cell: Cell, plan: Plan) -> Draft:
    """A pair drafted bare, as in the first round, and redrafted with all that late rounds add; the first one."""
    first = min(spec.settings.first_batch, plan.drafted.fewest)
    with rehearsal.during("draft_batch", Times(first, 0)):
        (draft,) = (await draft_pairs(rehearsal.author, spec, trait, 1, {"01-000": cell}, {})).values()
    if not isinstance(draft, Draft):
        raise TypeError(f"the example of a draft is no draft: {draft.reason}")
    example = f"- {draft.pair.positive}\n  {draft.pair.negative}"
    guidance = Guidance(**{name: "\n".join([example] * lines) for name, lines in _GUIDANCE.items()})
    with rehearsal.during("draft_batch", Times(plan.drafted.fewest - first, 0)):
        later = Guidance(winners=guidance.winners, avoid=guidance.avoid)
        await draft_pairs(rehearsal.author, spec, trait, 2, {"02-000": cell}, {"02-000": later})
    with rehearsal.during("draft_batch", Times(0, plan.drafted.most)):
        await draft_pairs(rehearsal.author, spec, trait, 3, {"03-000": cell}, {"03-000": guidance})
    return draft


async def _rehearse_steering(rehearsal: Rehearsal, spec: Spec, trait: Trait) -> list[str]:
    """What the judge marks, and the texts that served models and their weights both continue."""
    from steer.effort import answers_needed
    from steer.scoring import Answer, judged

    weights = {role: spec.weights(role) for role in ("subject", "assistant")}
    if missing := [role for role, reference in weights.items() if reference is None]:
        return [f"no weights of the {' and '.join(missing)}: nothing is extracted or steered"]
    for role, step in (("subject", "extract_dataset"), ("assistant", "steer_dataset")):
        if weights[role] != spec.reference(role):
            await _rehearse_agreement(rehearsal, role, step)
    layers = _layers(str(weights["subject"]))
    if layers is None:
        return [f"the layers of {weights['subject']!r} are not known here: what the judge marks of steering is missing"]
    fewest, most = answers_needed(layers, spec.settings.questions, evaluation_settings(spec.settings))
    question, answer = "What should I write to him?", "The heating has kept us warm for years. " * 4
    with rehearsal.during("steer_dataset", Times(fewest, most)):
        await judged(rehearsal.judge, trait.rubric, trait.label)([Answer(question=question, text=answer)])
    return []


async def _rehearse_agreement(rehearsal: Rehearsal, role: str, step: str) -> None:
    model = rehearsal.subject if role == "subject" else rehearsal.assistant
    request = Request(prompt="I knew that the boiler fails", sampling=Sampling(max_tokens=TOKENS, temperature=0))
    with rehearsal.during(step, Times(PROMPTS, PROMPTS)):
        await model.complete([request])


def plan_rounds(spec: Spec) -> Plan:
    """Rounds, pairs drafted and pairs tested afresh: fewest where every pair passes, most where all rounds are used."""
    settings, chosen = spec.settings, 0
    sizes: list[int] = []
    while chosen < spec.pairs and len(sizes) < spec.rounds:
        sizes.append(batch_size(settings, spec.pairs - chosen, 1.0 if sizes else None))
        chosen += sizes[-1]
    largest = max(batch_size(settings, spec.pairs, share) for share in (0.0, settings.yield_floor, 1.0))
    reached = chosen >= spec.pairs
    return Plan(
        rounds=Times(len(sizes), spec.rounds),
        drafted=Times(sum(sizes), settings.first_batch + (spec.rounds - 1) * largest),
        tests=Times(spec.pairs, spec.pairs * (spec.rounds - len(sizes) + 1)) if reached else Times(0, 0),
    )


def _layers(reference: str) -> int | None:
    """Decoder blocks of a checkpoint that is on this machine; None where its configuration is not."""
    from transformers import AutoConfig

    from lm.local.checkpoint import organism_folder

    parsed = parse_reference(reference)
    name = str(organism_folder()) if parsed.provider == "organism" else str(Path(parsed.name).expanduser())
    try:
        config = AutoConfig.from_pretrained(name, revision=parsed.revision, local_files_only=True)
    except (OSError, ValueError):
        return None
    return int(config.get_text_config().num_hidden_layers)


def _unpriced(spec: Spec, prices: PriceList) -> Iterator[str]:
    """One line for each model whose cost cannot be said."""
    for reference in dict.fromkeys(spec.reference(role) for role in ROLES):
        price = prices.of(reference)
        if price is None:
            yield f"the price of {reference!r} is unknown: it is not in the sum. Name it in a file with --prices."
        elif price.gpu_hour is not None:
            yield f"{reference!r} costs {price.gpu_hour} USD an hour, and its time is not known: it is not in the sum."


def _cost(amount: Amount, price: Price | None, *, is_most: bool = False) -> Cost:
    usd = None
    if price is not None and price.gpu_hour is None:
        use = Use(tokens_in=amount.tokens_in, tokens_out=amount.tokens_out)
        usd = price.worst(use) if is_most else price.cost(use)
    return Cost(amount.calls, amount.tokens_in, amount.tokens_out, usd, usd or 0.0)


def _sum(costs: Sequence[Cost]) -> Cost:
    """The total; its USD are unknown as soon as one is."""
    known = sum(cost.usd_known for cost in costs)
    return Cost(
        calls=sum(cost.calls for cost in costs),
        tokens_in=sum(cost.tokens_in for cost in costs),
        tokens_out=sum(cost.tokens_out for cost in costs),
        usd=None if any(cost.usd is None for cost in costs) else known,
        usd_known=known,
    )
