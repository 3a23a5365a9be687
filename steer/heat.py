"""Projections as colours: red along a direction, blue against it, for terminals and for a page of their own."""

from collections.abc import Sequence
from html import escape
from math import isfinite

from steer.projection import Projections, Scale

FULL_COLOUR = {"raw": None, "norm": 0.4, "cosine": 0.4}
"""Value of each scale that gets the full colour; None for the largest of the text."""

_AGAINST, _ALONG = (49, 104, 189), (206, 62, 52)
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/2 system-ui, sans-serif; margin: 2rem auto; max-width: 56rem; padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.2rem; }} h2 {{ font-size: 1rem; margin: 1.6rem 0 .2rem; }}
p.text {{ white-space: pre-wrap; margin: 0; }} span {{ border-radius: 2px; padding: .2em 0; }}
.prompt span {{ border-bottom: 1px dotted #888; }} p.note {{ color: #666; line-height: 1.4; }}
</style>
<h1>{title}</h1>
<p class="note">{note}</p>
{lines}
</html>
"""


def heat_colour(value: float, full: float) -> tuple[int, int, int]:
    """White for 0, red from 0 to `full`, blue from 0 to -`full`; grey for what is no number."""
    if not isfinite(value) or full <= 0:
        return (224, 224, 224) if not isfinite(value) else (255, 255, 255)
    share = min(1.0, abs(value) / full)
    red, green, blue = (round(255 + (end - 255) * share) for end in (_ALONG if value > 0 else _AGAINST))
    return red, green, blue


def ink(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever is read more easily on a colour (its luma, ITU-R BT.601)."""
    red, green, blue = colour
    return (20, 20, 20) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


def full_colour(projections: Projections, scale: Scale) -> float:
    """The value that gets the full colour."""
    fixed = FULL_COLOUR[scale]
    return float(projections.values.abs().max()) if fixed is None else fixed


def heat_page(
    projections: Projections, names: Sequence[str], *, scale: Scale = "cosine", title: str = "Projections"
) -> str:
    """A self-contained HTML page: the text once for each direction, every token on the colour of its projection.

    Prompt tokens are underlined; a token's number appears when it is pointed at.
    """
    full = full_colour(projections, scale)
    columns = projections.scaled(scale).T.tolist()
    note = f"Scale: {scale}; full colour at {full:.3g}. Dotted: prompt. Red along the direction, blue against it."
    lines = "\n".join(
        f"<h2>{escape(name)} · layer {layer} · response mean {_response_mean(column, projections.prompt)}</h2>\n"
        f'<p class="text">{_line(projections, column, full)}</p>'
        for name, layer, column in zip(names, projections.layers, columns, strict=True)
    )
    return _PAGE.format(title=escape(title), note=escape(note), lines=lines)


def _line(projections: Projections, values: Sequence[float], full: float) -> str:
    spans = [_span(piece, value, full) for piece, value in zip(projections.pieces, values, strict=True)]
    prompt, response = spans[: projections.prompt], spans[projections.prompt :]
    return f'<span class="prompt">{"".join(prompt)}</span>{"".join(response)}'


def _span(piece: str, value: float, full: float) -> str:
    colour = heat_colour(value, full)
    back, front = (f"rgb({red},{green},{blue})" for red, green, blue in (colour, ink(colour)))
    return f'<span style="background:{back};color:{front}" title="{value:+.3f}">{escape(piece)}</span>'


def _response_mean(values: Sequence[float], prompt: int) -> str:
    response = values[prompt:]
    return f"{sum(response) / len(response):+.3f}" if response else "–"
