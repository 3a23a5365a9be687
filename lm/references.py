"""Model references: how a person names a model on the command line and in a spec.

organism                                          the embedded model
hf:NAME-or-PATH[@REVISION][?dtype=bf16&device=cuda&quant=4bit&lora=FOLDER]
                                                  a checkpoint through transformers
vllm:NAME-or-PATH[@REVISION][?dtype=bf16&memory=0.5]  vLLM's engine in this process
vllm:NAME@URL                                     a running vLLM server
openai:NAME[@URL]                                 OpenAI, or a server that speaks its language
anthropic:NAME[@URL]                              Anthropic, or a server that speaks its language
inbox:DIR                                         whoever answers the files in a folder
scripted:FILE                                     answers from a file
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, quote, urlsplit

from lm.errors import ModelReferenceError

Provider = Literal["organism", "hf", "vllm", "openai", "anthropic", "inbox", "scripted"]

FORMS: Mapping[Provider, str] = {
    "organism": "organism",
    "hf": "hf:NAME-or-PATH[@REVISION][?dtype=bf16&device=cuda&quant=4bit&lora=FOLDER]",
    "vllm": "vllm:NAME-or-PATH[@REVISION][?dtype=bf16&memory=0.5&context=8192&gpus=1], vllm:NAME@URL",
    "openai": "openai:NAME[@URL]",
    "anthropic": "anthropic:NAME[@URL]",
    "inbox": "inbox:DIR",
    "scripted": "scripted:FILE",
}
"""The reference forms that can be opened, by provider."""

_SERVED: tuple[Provider, ...] = ("vllm", "openai", "anthropic")
"""Providers that answer over HTTP."""

_DTYPE = re.compile(r"fp32|bf16|fp16")
_OPTIONS: Mapping[str, Mapping[str, re.Pattern[str]]] = {
    "hf": {
        "dtype": _DTYPE,
        "device": re.compile(r"cpu|mps|cuda(:\d+)?|auto"),
        "quant": re.compile(r"4bit|8bit"),
        "lora": re.compile(r".+"),
    },
    "vllm": {
        "dtype": _DTYPE,
        "memory": re.compile(r"0?\.\d*[1-9]\d*|1|1\.0"),
        "context": re.compile(r"[1-9]\d{0,8}"),
        "gpus": re.compile(r"[1-9]\d?"),
    },
}
_OPTION_HELP = {
    "hf": "dtype=fp32|bf16|fp16, device=cpu|mps|cuda|cuda:N|auto (all GPUs), quant=4bit|8bit and lora=FOLDER",
    "vllm": "dtype=fp32|bf16|fp16, memory=SHARE of a GPU's memory up to 1, context=TOKENS and gpus=N",
}


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
        options = "&".join(f"{key}={quote(value, safe='/:~')}" for key, value in sorted(self.options.items()))
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
        return _parse_checkpoint(text, "hf", rest)
    if scheme == "vllm" and "@http" not in rest:
        return _parse_checkpoint(text, "vllm", rest)
    if scheme == "inbox":
        if not rest:
            raise _error(text, "the folder for requests and answers is missing")
        return ModelReference("inbox", rest)
    if scheme == "scripted":
        if not rest:
            raise _error(text, "the path of the answer file is missing")
        return ModelReference("scripted", rest)
    for provider in _SERVED:
        if scheme == provider:
            return _parse_served(text, provider, rest)
    raise _error(text, _unknown_provider(scheme, bool(colon)))


def _parse_checkpoint(text: str, provider: Literal["hf", "vllm"], rest: str) -> ModelReference:
    """NAME-or-PATH[@REVISION][?OPTIONS]."""
    place, question, query = rest.partition("?")
    name, at, revision = place.rpartition("@")
    if not at:
        name, revision = place, ""
    if not name:
        raise _error(text, "the name or path of the checkpoint is missing")
    if "://" in place:
        also = "; the address of a server follows the model's name: vllm:NAME@URL" if provider == "vllm" else ""
        raise _error(text, f"{provider!r} takes a name on the hub or a folder, not a URL{also}")
    if at and not revision:
        raise _error(text, "the revision after '@' is missing")
    options = _parse_options(text, provider, query) if question else {}
    return ModelReference(provider, name, revision or None, options=options)


def _parse_served(text: str, provider: Provider, rest: str) -> ModelReference:
    """NAME@URL; a name may hold '@' and ':' itself, so the URL begins at the last '@http'."""
    name, at, tail = rest.rpartition("@http")
    url = f"http{tail}".rstrip("/") if at else None
    if not at:
        name = rest
    if not name:
        raise _error(text, "the name of the model is missing")
    if url is None:
        return ModelReference(provider, name)
    if fault := _fault_of(url):
        raise _error(text, fault)
    return ModelReference(provider, name, url=url)


def _fault_of(url: str) -> str | None:
    """What keeps an address from being used, if anything. A reference is written to disk, so it holds no secret."""
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        return f"{url!r} is no address"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_sound:
        return "the address must be of the form http://HOST[:PORT]/PATH or https://…"
    if parts.username or parts.password:
        return "the address must not hold a user or password; keys come from the environment"
    if parts.query or parts.fragment:
        return "the address must end with its path"
    return None


def _parse_options(text: str, provider: str, query: str) -> dict[str, str]:
    try:
        items = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise _error(text, f"the options {query!r} are not of the form key=value&key=value") from error
    known, allowed = _OPTIONS[provider], f"(allowed: {_OPTION_HELP[provider]})"
    for key, value in items:
        if key not in known:
            raise _error(text, f"unknown option {key!r} {allowed}{_did_you_mean(key, known)}")
        if not known[key].fullmatch(value):
            raise _error(text, f"option {key} cannot be {value!r} {allowed}")
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
    return ModelReferenceError(f"{text!r} names no model: {what.rstrip('.')}.\nSupported: {', '.join(FORMS.values())}.")
