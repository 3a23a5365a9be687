"""What a model's tokens cost: a dated list in this package, and a person's own, which wins."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lm.errors import UserError
from lm.metering import Use
from lm.references import parse_reference

_MILLION = 1_000_000
_RELEASE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")
"""How providers name one release of a model; it costs what the model costs."""
_WRITING_A_CACHE = 1.25
"""Keeping a prompt for later costs Anthropic's customers a quarter more; the worst case counts with it."""


class Price(BaseModel):
    """USD per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)
    source: str = ""

    def cost(self, use: Use) -> float:
        """USD for these tokens; reasoning is part of the output."""
        cached = self.input if self.cached is None else self.cached
        fresh = use.tokens_in - use.cached
        return (fresh * self.input + use.cached * cached + use.tokens_out * self.output) / _MILLION

    def worst(self, use: Use) -> float:
        """USD at most."""
        return self.cost(use) * _WRITING_A_CACHE


FREE = Price(input=0, output=0, source="own machine")


class _PriceFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dated: str
    models: dict[str, Price]


@dataclass(frozen=True)
class PriceList:
    """Prices by model reference."""

    prices: Mapping[str, Price]

    def of(self, reference: str) -> Price | None:
        """The price of a model; None when it is unknown. What runs on one's own machine is free unless priced."""
        bare = _RELEASE.sub("", reference)
        if found := self.prices.get(reference) or self.prices.get(bare):
            return found
        return None if parse_reference(reference).provider in ("openai", "anthropic") else FREE


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
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UserError(
            f'the price file {name!r} cannot be used: {error}.\nIt must hold dated = "DATE" and, for each model, '
            '[models."openai:NAME"] with input, output and, where there is one, cached: USD per million tokens.'
        ) from error
    source = f"{name} of {file.dated}"
    return {reference: price.model_copy(update={"source": source}) for reference, price in file.models.items()}
