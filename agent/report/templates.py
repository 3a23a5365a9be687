"""Pages from templates: each holds everything it needs and opens without a network.

Every text is escaped; only our own style and script may run, by their digests.
"""

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup

from agent.report import charts_directions, charts_pairs, numbers
from agent.review.labels import FEWEST

if TYPE_CHECKING:
    from jinja2 import Environment


def fill(template: str, **values: object) -> str:
    """A template's page as HTML."""
    style, script = _read("style.css"), _read("script.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    shown = {"style": Markup(style), "script": Markup(script), "policy": policy}
    html = _environment().get_template(template).render(**values, **shown)
    return html if html.endswith("\n") else html + "\n"


def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=numbers.visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("plain", "score", "signed", "percent", "interval", "percents", "seconds", "usd", "count", "label"):
        environment.filters[name] = getattr(numbers, name)
    for module in (charts_pairs, charts_directions):
        environment.globals |= {name: getattr(module, name) for name in vars(module) if name.startswith("draw_")}
    environment.globals["cell_colour"] = charts_directions.scale_colour
    environment.globals["fewest_labels"] = FEWEST
    environment.filters["pretty"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def _read(name: str) -> str:
    return resources.files("agent.report").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
