"""What a person asks for: the run's specification, from the command line and from a TOML file."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import SpecError
from agent.settings import Settings, Whole
from agent.toml_files import read_toml
from extract.candidates import common_clauses
from extract.lint.endings import lock_in_of
from extract.trait import LOCK_INS, LockIn, Pair, Taxonomy
from lm.references import parse_reference
from lm.verdicts import Rubric

DOMAINS = ("work", "medical", "legal", "academic", "technical", "social", "creative", "finance")
STAKES = ("high", "medium", "low")
AUDIENCES = ("boss", "client", "friend", "stranger", "authority")
ReviewMode = Literal["terminal", "file", "web", "none"]
ROLES = ("author", "judge", "subject", "assistant")
STARTER = "spec"
"""Author of the pairs that a spec brings."""


class Definition(BaseModel):
    """A definition that a person fixed beforehand; the author is then not asked for one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    is_: str = Field(alias="is")
    is_not: str
    orthogonal: str
    taxonomy: Taxonomy
    rubric: Rubric
    neighbours: tuple[str, ...] = ()


class Starter(BaseModel):
    """A pair that a person wrote beforehand: drafted before any other, tested like any other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive: str = Field(min_length=1)
    negative: str = Field(min_length=1)
    domain: str = Field(min_length=1)
    ground_truth: str | None = None
    """What is so on both sides; what both say first where nothing else is said."""
    lock_in: LockIn | None = None
    """How both sides end; told from their last words where it is not said."""
    stakes: str = ""
    audience: str = ""

    def as_pair(self, id_: str, round_number: int) -> Pair:
        """The pair as a draft of a round."""
        pair = Pair(
            id=id_,
            ground_truth=self.ground_truth or common_clauses(self.positive, self.negative),
            positive=self.positive,
            negative=self.negative,
            lock_in=self.lock_in or "other",
            domain=self.domain,
            stakes=self.stakes,
            audience=self.audience,
            author=STARTER,
            round=round_number,
        )
        return pair.model_copy(update={"lock_in": lock_in_of(pair)})


class Spec(BaseModel):
    """Everything that decides a run's result. Two runs with equal specs write equal datasets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    category: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    trait: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    idea: str | None = None
    """One or two sentences that say what is meant, for the author."""
    author: str = "organism"
    judge: str = "organism"
    subject: str = "organism"
    assistant: str | None = None
    """The chat model steered; the subject where nothing else is said."""
    subject_weights: str | None = None
    """Where the weights of a served subject can be loaded from."""
    assistant_weights: str | None = None
    """Where the weights of a served assistant can be loaded from."""
    pairs: Whole = Field(default=150, ge=1, le=100_000)
    rounds: Whole = Field(default=20, ge=1, le=1_000)
    seed: Whole = Field(default=0, ge=0)
    definition: Definition | None = None
    rubric: Rubric | None = None
    """The rubric alone, where the author defines the rest. A rubric that is given is never rewritten."""
    starters: tuple[Starter, ...] = ()
    """Pairs to begin with: models of form until pairs stand, and the first to be tested."""
    lock_ins: tuple[LockIn, ...] = Field(default=LOCK_INS, min_length=1)
    """Lock-in types to use. Where their caps leave no room the others are used as well."""
    forbidden: tuple[str, ...] = ()
    """Topics that no scenario and no question may touch, as they are worded."""
    domains: tuple[str, ...] = Field(default=DOMAINS, min_length=1)
    stakes: tuple[str, ...] = Field(default=STAKES, min_length=1)
    audiences: tuple[str, ...] = Field(default=AUDIENCES, min_length=1)
    settings: Settings = Settings()

    def reference(self, role: str) -> str:
        """The model reference that plays `role`."""
        return {"author": self.author, "judge": self.judge, "subject": self.subject}.get(
            role, self.assistant or self.subject
        )

    def weights(self, role: str) -> str | None:
        """The reference that the weights of subject or assistant are loaded from; None where there is none."""
        given = self.subject_weights if role == "subject" else self.assistant_weights
        if given is None and role == "assistant" and self.assistant in (None, self.subject):
            given = self.subject_weights
        own = self.reference(role)
        return given or (own if parse_reference(own).provider in ("organism", "hf") else None)

    @property
    def fixed_rubric(self) -> Rubric | None:
        """The rubric that a person gave; None where the author writes it."""
        return self.rubric or (self.definition.rubric if self.definition else None)

    @property
    def path(self) -> str:
        """category/trait."""
        return f"{self.category}/{self.trait}"


def build_spec(trait: str, file: Path | None, given: dict[str, Any]) -> Spec:
    """Join the trait's path, a TOML file and the options given on the command line; the options win.

    Raises SpecError, one line per fault.
    """
    category, name = _split_trait(trait)
    values = read_toml(file, "spec") if file else {}
    for field, meant in (("category", category), ("trait", name)):
        if values.setdefault(field, meant) != meant:
            raise SpecError(f"{file}: {field} is {values[field]!r}, but the command names {trait!r}. Make them agree.")
    values.update({field: value for field, value in given.items() if value is not None})
    try:
        return Spec.model_validate(values)
    except ValidationError as error:
        raise SpecError(_explain(error, str(file) if file else "command line")) from error


def refine_spec(before: Spec, trait: str | None, given: dict[str, Any]) -> Spec:
    """Another run's spec with the options given on the command line in place of its own.

    Raises SpecError, one line per fault.
    """
    if trait is not None and trait != before.path:
        raise SpecError(f"the run to go on from is about {before.path!r}, but the command names {trait!r}.")
    named = {field: value for field, value in given.items() if value is not None}
    try:
        return Spec.model_validate(before.model_dump() | named)
    except ValidationError as error:
        raise SpecError(_explain(error, "command line")) from error


def _split_trait(trait: str) -> tuple[str, str]:
    parts = trait.split("/")
    if len(parts) != 2:
        raise SpecError(f"{trait!r} is no trait: write CATEGORY/TRAIT, for example alignment/strategic_omission.")
    for part in parts:
        if not _is_name(part):
            raise SpecError(
                f"{part!r} in {trait!r} is no name: a category or trait name is lower case letters, digits and '_', "
                "begins with a letter and has at most 64 characters."
            )
    return parts[0], parts[1]


def _is_name(text: str) -> bool:
    return (
        text.isascii()
        and text[:1].isalpha()
        and text.replace("_", "a").isalnum()
        and text == text.lower()
        and (len(text) <= 64)
    )


def _explain(error: ValidationError, where: str) -> str:
    known = ", ".join(sorted(Spec.model_fields))
    lines = []
    faults = error.errors()
    within = {fault["loc"][:-1] for fault in faults}
    for fault in faults:
        if fault["type"] == "too_short" and fault["loc"] in within:
            continue  # What is in the list is wrong; nothing is left of it to count.
        field = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            hint = f"unknown field. Known fields: {known}" if len(fault["loc"]) == 1 else "unknown field"
            lines.append(f"{where}: {field}: {hint}.")
        else:
            lines.append(f"{where}: {field}: {fault['msg']}, got {fault['input']!r}.")
    return "\n".join(lines)
