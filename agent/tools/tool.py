"""What a tool is: a name, a description, and the schemas of what goes in and what comes out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from agent.workshop import Workshop


class Values(BaseModel):
    """Base of what goes into and comes out of tools."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nothing(Values):
    """A tool that needs no input."""


class OfRound(Values):
    """A tool that works on one round."""

    round: int
    approach: str = "as drafted"


class OfDefinition(Values):
    """A tool that works on one attempt at the trait's definition."""

    definition: int = 1


class OfTest(OfRound):
    """A tool that works on one fresh test."""

    test: int


class Done(Values):
    """What a tool did, in words for people."""

    summary: str


class Prepared(Done):
    """What waits for its reviewer."""

    digest: str


class Decided(Done):
    """Where the run goes next, with its counters set for it."""

    step: Literal["draft", "fresh_test", "questions"]
    round: int
    approach: str
    test: int


class DefinitionReviewed(Done):
    """Whether the trait is defined anew."""

    step: Literal["define", "draft"]
    definition: int


class FinalReviewed(Done):
    """Whether the dataset is written, or pairs are drafted for those that its reviewer removed."""

    step: Literal["draft", "write"]
    round: int
    test: int


class Written(Done):
    """Whether there are weights to go on with."""

    step: Literal["extract", "conclude"]


InT = TypeVar("InT", bound=Values)
OutT = TypeVar("OutT", bound=Values)


@dataclass(frozen=True)
class Tool(Generic[InT, OutT]):
    """One tool: what it is called, what it does, what it takes and gives."""

    name: str
    description: str
    takes: type[InT]
    gives: type[OutT]
    call: Callable[[Workshop, InT], Awaitable[OutT]]

    async def run(self, workshop: Workshop, values: Mapping[str, Any]) -> OutT:
        """Check the input, do the work, give the output."""
        with workshop.calls.during(self.name):
            return await self.call(workshop, self.takes.model_validate(dict(values)))


def declare(
    takes: type[InT], gives: type[OutT]
) -> Callable[[Callable[[Workshop, InT], Awaitable[OutT]]], Tool[InT, OutT]]:
    """Make a tool of a function: its name is the tool's, its docstring the description."""
    return lambda call: Tool(call.__name__, call.__doc__ or "", takes, gives, call)
