"""Load and render prompt files.

A prompt file is Jinja text below a TOML header between two `+++` lines:

    +++
    version = 1
    variables = ["definition", "lessons"]   # every variable the text uses, no more and no fewer
    optional = ["lessons"]                  # may be None; dropped in this order when the context is too small,
                                            # those of an inner list together
    +++
    ## system
    …
    ## user
    …

Values are never rendered again, so braces in a scenario cannot act as template code; texts are inserted as quoting.py
says, so that none can pass for a label or a turn of the prompt.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, TemplateSyntaxError, meta

from prompts.quoting import quoted

_HEADER = re.compile(r"\A\+\+\+\n(?P<header>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.DOTALL)
_SECTION = re.compile(r"^## (system|user)\n", re.MULTILINE)


class PromptError(ValueError):
    """A prompt file, or the values given to it, cannot be used."""


@dataclass(frozen=True)
class RenderedPrompt:
    """The text of one request: what the system says, what the user asks, and which prompt it came from."""

    name: str
    digest: str
    system: str
    user: str
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompt:
    """One prompt file: its sections, its declared variables, and the order in which optional blocks are dropped."""

    name: str
    version: int
    variables: tuple[str, ...]
    blocks: tuple[tuple[str, ...], ...]
    """Optional variables; those of a block are dropped together."""
    system: str
    user: str
    digest: str

    @property
    def optional(self) -> tuple[str, ...]:
        """The variables that may be None."""
        return tuple(name for block in self.blocks for name in block)

    def render(
        self, values: Mapping[str, object], fits: Callable[[RenderedPrompt], bool] | None = None
    ) -> RenderedPrompt:
        """Fill in `values`; while `fits` says no, drop the next optional block.

        Raises PromptError for missing or unknown variables, and when even the shortest text does not fit.
        """
        self._check(values)
        kept = {name: quoted(value) if isinstance(value, str) else value for name, value in values.items()}
        droppable = [held for block in self.blocks if (held := [name for name in block if kept[name]])]
        dropped: list[str] = []
        while True:
            rendered = RenderedPrompt(
                self.name, self.digest, _fill(self.system, kept), _fill(self.user, kept), tuple(dropped)
            )
            if fits is None or fits(rendered):
                return rendered
            if not droppable:
                raise PromptError(
                    f"prompt {self.name!r} does not fit the model's context even without its optional blocks "
                    f"({', '.join(self.optional) or 'it has none'}). Use a model with a larger context."
                )
            out = droppable.pop(0)
            dropped += out
            kept |= dict.fromkeys(out)

    def _check(self, values: Mapping[str, object]) -> None:
        missing = [name for name in self.variables if name not in values]
        unknown = [name for name in values if name not in self.variables]
        if missing or unknown:
            raise PromptError(
                f"prompt {self.name!r}: missing variables {missing}, unknown variables {unknown}. "
                f"Declared: {', '.join(self.variables)}."
            )
        empty = [name for name in self.variables if name not in self.optional and values[name] is None]
        if empty:
            raise PromptError(f"prompt {self.name!r}: variables {empty} are not optional and must have a value.")


def prompt_names() -> list[str]:
    """Names of all prompts that ship with the package, sorted."""
    return sorted(entry.name[:-3] for entry in resources.files(__package__).iterdir() if entry.name.endswith(".md"))


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt called `name`; PromptError lists the known names when there is none."""
    if name not in prompt_names():
        raise PromptError(f"there is no prompt {name!r}. Known: {', '.join(prompt_names())}.")
    return parse_prompt(name, prompt_source(name))


def prompt_source(name: str) -> str:
    """The text of a prompt's file, header included."""
    return resources.files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")


def parse_prompt(name: str, source: str) -> Prompt:
    """Parse a prompt file's text; its declared variables must be exactly those that the text uses."""
    match = _HEADER.match(source)
    if match is None:
        raise PromptError(f"prompt {name!r} has no header: it must begin with a TOML block between two '+++' lines.")
    header = _parse_header(name, match["header"])
    sections = dict(_split_sections(match["body"]))
    if "user" not in sections:
        raise PromptError(f"prompt {name!r} has no '## user' section.")
    prompt = Prompt(
        name=name,
        version=header["version"],
        variables=tuple(header["variables"]),
        blocks=tuple((block,) if isinstance(block, str) else tuple(block) for block in header["optional"]),
        system=sections.get("system", ""),
        user=sections["user"],
        digest=hashlib.sha256(source.encode()).hexdigest(),
    )
    used = _used_variables(name, prompt.system) | _used_variables(name, prompt.user)
    if used != set(prompt.variables) or not set(prompt.optional) <= used:
        raise PromptError(
            f"prompt {name!r} uses {sorted(used)} but declares variables {sorted(prompt.variables)} "
            f"(optional: {list(prompt.optional)})."
        )
    return prompt


def _parse_header(name: str, text: str) -> dict[str, Any]:
    try:
        header = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PromptError(f"prompt {name!r}: the header is not TOML: {error}.") from error
    header.setdefault("optional", [])
    if set(header) != {"version", "variables", "optional"}:
        raise PromptError(f"prompt {name!r}: the header holds {sorted(header)}; allowed: version, variables, optional.")
    return header


def _split_sections(body: str) -> list[tuple[str, str]]:
    parts = _SECTION.split(body)
    return [(section, text.strip()) for section, text in zip(parts[1::2], parts[2::2], strict=True)]


@cache
def _environment() -> Environment:
    return Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True)


def _used_variables(name: str, text: str) -> set[str]:
    try:
        return set(meta.find_undeclared_variables(_environment().parse(text)))
    except TemplateSyntaxError as error:
        raise PromptError(f"prompt {name!r}, line {error.lineno}: {error.message}.") from error


@cache
def _template(text: str) -> Template:
    return _environment().from_string(text)


def _fill(text: str, values: Mapping[str, object]) -> str:
    return _template(text).render(values).strip()
