"""The error tree.

TraitsmithError
  ├── UserError              what a person gave cannot be used: one line, no traceback, exit 2
  │     ├── ModelReferenceError  a model reference that names no model
  │     └── CapabilityError      a model that cannot do what its role needs
  ├── ModelFailure           a model or its server failed: exit 1, the run can be resumed
  ├── BudgetReached          the next request might break the budget: exit 4, the run can be resumed
  └── AnswersMissing         someone is still to answer by file: exit 3, the run can be resumed
"""


class TraitsmithError(Exception):
    """Base of every error this project raises on purpose."""


class UserError(TraitsmithError, ValueError):
    """What a person gave cannot be used; the message says what, where, which value, what is allowed, what next."""


class ModelReferenceError(UserError):
    """A model reference that names no model."""


class CapabilityError(UserError):
    """A model cannot do what its role needs."""


class ContextTooSmall(CapabilityError):
    """A text that a model's context cannot hold."""


class ModelFailure(TraitsmithError):
    """A model or its server failed in a way that retrying within limits did not mend."""


class BudgetReached(TraitsmithError):
    """The next request might cost more than the budget has left."""


class AnswersMissing(TraitsmithError):
    """Requests are laid out as files, and not all are answered yet."""
