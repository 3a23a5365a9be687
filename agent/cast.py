"""Who plays which role in a run, checked before anything is spent."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from agent.errors import SpecError
from agent.spec import ROLES, Spec
from lm import CallStore, Capabilities, Judge, Model, ModelFailure, Recorded, open_model, parse_reference
from lm.calls import Answers
from lm.judge import can_judge
from lm.ledger import Ledger
from lm.recorded import CHUNK, CacheMode

_ALL = 1_000_000


@dataclass(frozen=True)
class Cast:
    """The models of a run, each recording its calls under its role."""

    author: Model
    judge: Judge
    subject: Model
    assistant: Model


@asynccontextmanager
async def open_cast(
    spec: Spec,
    calls: CallStore,
    ledger: Ledger,
    cache: CacheMode = "record",
    older: Answers | None = None,
    asked: Sequence[str] = ROLES,
) -> AsyncIterator[Cast]:
    """Open every model once (roles with one reference share it), check the roles that are asked, close it at the end.

    Raises SpecError where a model lacks what its role needs, does not know the trait, or has no price that a budget
    could be held against.
    """
    for role in ROLES:
        check_price(role, spec.reference(role), ledger)
    async with AsyncExitStack() as stack:
        models = {}
        for reference in {spec.reference(role) for role in ROLES}:
            models[reference] = open_model(reference)
            stack.push_async_callback(models[reference].close)
        recorded = {
            role: Recorded(
                models[spec.reference(role)],
                calls,
                role=role,
                # Whoever answers by file is shown all requests of a step at once.
                chunk=_ALL if parse_reference(spec.reference(role)).provider == "inbox" else CHUNK,
                mode=cache,
                ledger=ledger,
                older=older,
            )
            for role in ROLES
        }
        with calls.during("probe"):
            for role in asked:
                await check_role(role, spec.path, recorded[role], others=ROLES[:3])
        yield Cast(
            author=recorded["author"],
            judge=Judge(recorded["judge"]),
            subject=recorded["subject"],
            assistant=recorded["assistant"],
        )


def check_price(role: str, reference: str, ledger: Ledger) -> None:
    """Refuse a model of unknown price where there is a budget to hold it against."""
    if ledger.budget is not None and ledger.prices.of(reference) is None:
        raise SpecError(
            f"there is a budget, but the price of the {role} {reference!r} is unknown. Write it to a file and name "
            f'that with --prices:\n  dated = "DATE"\n  [models."{reference}"]\n  input = USD per million tokens\n'
            "  output = USD per million tokens"
        )


async def check_role(role: str, trait: str, model: Model, *, others: Sequence[str]) -> None:
    """Refuse a model that cannot play a role or does not know the trait (its path, or its name in words).

    `others` are the roles for which another model may be named.
    """
    try:
        able = await model.capabilities()
    except ModelFailure as failure:
        raise SpecError(
            f"the {role} cannot be asked: {failure}\nMend that, then give the same command again."
        ) from failure
    if not _knows(able, trait):
        *most, last = [f"--{other}" for other in others]
        options = f"{', '.join(most)} and {last}" if most else last
        raise SpecError(
            f"{role} {model.reference!r} does not know the trait {trait!r}. It knows: {', '.join(able.traits or ())}. "
            f"Name other models with {options}, for example --{others[0]} hf:PATH."
        )
    if lacks := [what for what, given in needs(role, able).items() if not given]:
        raise SpecError(
            f"{model.reference!r} cannot be the {role}: it lacks {' and '.join(lacks)}. Name another --{role}."
        )


def _knows(able: Capabilities, trait: str) -> bool:
    """Whether a model knows a trait, where it knows only some."""
    if able.traits is None:
        return True
    return trait in able.traits or trait in {path.rpartition("/")[2].replace("_", " ") for path in able.traits}


def needs(role: str, able: Capabilities) -> dict[str, bool]:
    """What a role needs, and whether a model of these capabilities has it."""
    return {
        "author": {"a chat template": able.chat, "structured output": able.structured},
        "judge": {"a chat template": able.chat, "labels of one token for its scores": can_judge(able)},
        "subject": {
            "completion of plain texts": able.completes,
            "probabilities of next tokens": able.probabilities != "none",
        },
        "assistant": {"a chat template": able.chat},
    }[role]


def check_references(spec: Spec) -> None:
    """Refuse a malformed model reference before a run is created; no model is loaded for it."""
    for role in ROLES:
        parse_reference(spec.reference(role))
    for role in ("subject", "assistant"):
        weights = spec.weights(role)
        if weights is not None and parse_reference(weights).provider not in ("organism", "hf"):
            raise SpecError(f"--{role}-weights {weights!r} has no weights to load: name organism or hf:NAME-or-PATH.")
