"""Runs whose models answer from functions in this process: for what no file of answers could hold."""

from collections.abc import Mapping

import pytest

from agent import cast
from lm import Model


def answer_by(models: Mapping[str, Model], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let references open these models instead of what they name; each then goes by its reference."""
    for reference, model in models.items():
        model.reference = reference
    monkeypatch.setattr(cast, "open_model", lambda reference: models[reference])
