"""Model references: how a person names a model on the command line and in a spec.

organism                                          the embedded model
hf:NAME-or-PATH[@REVISION][?dtype=bf16&device=cuda]   a checkpoint through transformers
scripted:FILE                                     answers from a file
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from lm.errors import ModelReferenceError

Provider = Literal["organism", "hf", "scripted"]

FORMS: Mapping[Provider, str] = {
    "organism": "organism",
    "hf": "hf:NAME-or-PATH[@REVISION][?dtype=bf16&device=cuda]",
    "scripted": "scripted:FILE",
}
"""The reference forms that can be opened, by provider."""

_HF_OPTIONS = {
    "dtype": re.compile(r"fp32|bf16|fp16"),
    "device": re.compile(r"cpu|mps|cuda(:\d+)?"),
}
_HF_OPTION_HELP = "dtype=fp32|bf16|fp16 and device=cpu|mps|cuda|cuda:N"


@dataclass(frozen=True)
class ModelReference:
    """A parsed reference; `str()` gives it back in one canonical spelling."""

    provider: Provider
    name: str = ""
    revision: str | None = None
    url: str | None = None
    """Address of the server, for providers that have one."""
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        place = self.url or self.revision
        options = "&".join(f"{key}={value}" for key, value in sorted(self.options.items()))
        tail = (f"@{place}" if place else "") + (f"?{options}" if options else "")
        return f"{self.provider}:{self.name}{tail}" if self.name else self.provider


def parse_reference(text: str) -> ModelReference:
    """The value of a reference; ModelReferenceError says what is wrong and lists what is supported."""
    scheme, colon, rest = text.strip().partition(":")
    if scheme == "organism":
        if colon:
            raise _error(text, "'organism' takes neither a name nor options")
        return ModelReference("organism")
    if scheme == "hf":
        return _parse_hf(text, rest)
    if scheme == "scripted":
        if not rest:
            raise _error(text, "the path of the answer file is missing")
        return ModelReference("scripted", rest)
    raise _error(text, _unknown_provider(scheme, bool(colon)))


def _parse_hf(text: str, rest: str) -> ModelReference:
    place, question, query = rest.partition("?")
    name, at, revision = place.rpartition("@")
    if not at:
        name, revision = place, ""
    if not name:
        raise _error(text, "the name or path of the checkpoint is missing")
    if "://" in place:
        raise _error(text, "'hf' takes a name on the hub or a folder, not a URL")
    if at and not revision:
        raise _error(text, "the revision after '@' is missing")
    options = _parse_options(text, query) if question else {}
    return ModelReference("hf", name, revision or None, options=options)


def _parse_options(text: str, query: str) -> dict[str, str]:
    try:
        items = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise _error(text, f"the options {query!r} are not of the form key=value&key=value") from error
    for key, value in items:
        if key not in _HF_OPTIONS:
            raise _error(text, f"unknown option {key!r} (allowed: {_HF_OPTION_HELP}){_did_you_mean(key, _HF_OPTIONS)}")
        if not _HF_OPTIONS[key].fullmatch(value):
            raise _error(text, f"option {key} cannot be {value!r} (allowed: {_HF_OPTION_HELP})")
    if len(dict(items)) < len(items):
        raise _error(text, "an option is given twice")
    return dict(items)


def _unknown_provider(scheme: str, has_colon: bool) -> str:
    if not scheme:
        return "it is empty"
    hint = _did_you_mean(scheme, FORMS)
    if not has_colon and not hint:
        hint = f" To load a checkpoint write 'hf:{scheme}'."
    return f"there is no provider {scheme!r}.{hint}" if hint else f"there is no provider {scheme!r}"


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _error(text: str, what: str) -> ModelReferenceError:
    supported = "\n".join(f"  {form}" for form in FORMS.values())
    return ModelReferenceError(f"{text!r} names no model: {what.rstrip('.')}.\nSupported references:\n{supported}")
