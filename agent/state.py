"""What LangGraph keeps between nodes: ids and counters only; everything else is in the journal."""

# Not that of `typing`: before Python 3.12 pydantic makes no schema of it, and LangGraph's own tools ask for one.
from typing_extensions import TypedDict


class RunState(TypedDict, total=False):
    """State of a run's graph; the tools' answers are merged into it."""

    round: int
    """The current round, counted from 1."""
    approach: str
    """How the author is asked to write at present."""
    test: int
    """The next fresh test, counted from 1."""
    definition: int
    """Which attempt at the trait's definition this is, counted from 1."""
    digest: str
    """Digest of what waits for its reviewer."""
    step: str
    """What was decided last: where the run goes next."""
    failed: str
    """The gate that failed; the run then concludes."""
    summary: str
    """What the last node did, in words."""


START_STATE: RunState = {"round": 1, "approach": "as drafted", "test": 1, "definition": 1}
"""The state a run begins with."""
