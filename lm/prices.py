"""What a model costs, by its tokens or by its machine's time: a dated list here, and a person's own, which wins.

A price that no source gives is unknown: it is left out, never guessed.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lm.errors import ModelReferenceError, UserError
from lm.faults import faults_of
from lm.metering import Use
from lm.references import parse_reference

_MILLION = 1_000_000
_HOUR = 3600
_BY_THE_HOUR = ("organism", "hf", "vllm")
"""Providers whose machine can be one's own."""
_RELEASE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
"""How providers name one release of a model; it costs what the model costs."""
_WRITING_A_CACHE = 1.25
"""Keeping a prompt for five minutes costs Anthropic's customers a quarter more; the worst case counts with it."""


Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Price(BaseModel):
    """USD per million tokens; or, with `gpu_hour`, per hour of the machine that the model runs on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Usd = 0.0
    output: Usd = 0.0
    cached: Usd | None = None
    gpu_hour: Usd | None = None
    source: str = ""
    """Where it was read; once loaded, also which file says so, and of when."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        by_token = self.model_fields_set & {"input", "output", "cached"}
        if self.gpu_hour is not None and by_token:
            raise ValueError("give gpu_hour, or input and output, not both")
        if self.gpu_hour is None and not {"input", "output"} <= by_token:
            raise ValueError("give input and output, or gpu_hour")
        return self

    def of_time(self, seconds: float) -> float:
        """USD for so much time of the machine."""
        return (self.gpu_hour or 0.0) * seconds / _HOUR

    def cost(self, use: Use) -> float:
        """USD for these tokens; reasoning is part of the output."""
        cached = self.input if self.cached is None else self.cached
        fresh = use.tokens_in - use.cached + use.cache_written * (_WRITING_A_CACHE - 1)
        return (fresh * self.input + use.cached * cached + use.tokens_out * self.output) / _MILLION

    def worst(self, use: Use) -> float:
        """USD at most."""
        return self.cost(use) * _WRITING_A_CACHE


FREE = Price(input=0, output=0, source="own machine")


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dated: str
    source: str = ""
    """Where prices were read that do not say so themselves."""
    models: dict[str, Price]


@dataclass(frozen=True)
class PriceList:
    """Prices by model reference."""

    prices: Mapping[str, Price]

    def of(self, reference: str) -> Price | None:
        """The price of a model; None when it is unknown. What runs on one's own machine is free unless priced."""
        parsed = parse_reference(reference)
        name = str(parsed)
        if found := self.prices.get(name) or self.prices.get(_RELEASE.sub("", name)):
            return found
        return None if parsed.provider in ("openai", "anthropic") else FREE


def load_prices(own: Path | None = None) -> PriceList:
    """The list of this package, and over it a person's own; UserError when that one cannot be read."""
    prices = _read(resources.files(__package__).joinpath("prices.toml").read_text(encoding="utf-8"), "list prices")
    if own is not None:
        try:
            prices |= _read(own.read_text(encoding="utf-8"), str(own))
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the price file {str(own)!r}: {error}.") from error
    return PriceList(prices)


def _read(text: str, name: str) -> dict[str, Price]:
    try:
        file = _PriceFile.model_validate(tomllib.loads(text))
        prices = {_named(reference, price): price for reference, price in file.models.items()}
    except (tomllib.TOMLDecodeError, ValidationError, ModelReferenceError) as error:
        wrong = "; ".join(faults_of(error)) if isinstance(error, ValidationError) else str(error)
        raise UserError(
            f'the price file {name!r} cannot be used: {wrong}.\nIt must hold dated = "DATE" and, for each model, '
            '[models."openai:NAME"] with input, output and, where there is one, cached: USD per million tokens. For '
            "organism, hf: and vllm: models gpu_hour may stand instead: USD per hour of their machine. source may say "
            "where a price was read."
        ) from error
    return {reference: _sourced(price, f"{name} of {file.dated}", file.source) for reference, price in prices.items()}


def _sourced(price: Price, file: str, default: str) -> Price:
    source = price.source or default
    return price.model_copy(update={"source": f"{file} ({source})" if source else file})


def _named(reference: str, price: Price) -> str:
    """A model's reference in its canonical spelling; ModelReferenceError where it has no machine to price."""
    parsed = parse_reference(reference)
    if price.gpu_hour is not None and parsed.provider not in _BY_THE_HOUR:
        raise ModelReferenceError(f"{reference!r} has a gpu_hour, but is not run on a machine of one's own")
    return str(parsed)
