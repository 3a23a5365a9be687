"""Errors and ends of a run, each with its exit code (see docs/commands.md).

SpecError      what was asked for cannot be run: 2
RunError       a run folder that cannot be used: 2
ReviewError    a review answer that cannot be applied: the checkpoint stays open, 2
GateFailed     a quality gate failed; the run ends with a report: 5
"""

from lm.errors import TraitsmithError, UserError


class SpecError(UserError):
    """What was asked for cannot be run."""


class RunError(UserError):
    """A run folder that is missing, damaged, locked or finished."""


class ReviewError(UserError):
    """A review answer that is stale, partial or malformed; nothing was applied."""


class GateFailed(TraitsmithError):
    """A quality gate failed: the run ends here with a report, exit 5."""

    def __init__(self, gate: str, message: str) -> None:
        super().__init__(message)
        self.gate = gate
