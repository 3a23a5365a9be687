"""Charts about the directions: AUROC by layer, the layer x strength heat map, the dose-response."""

from collections.abc import Sequence
from itertools import pairwise
from math import isclose

from agent.records import ExtractionRecord
from agent.report.numbers import label, plain, score
from agent.report.steering import SteeringView
from agent.report.svg import Drawing, Frame, Key, Point
from steer.report import Cell, Dose

SCALE = (0, 20, 40, 60, 80, 100)
HATCH = "incoherent-cells"
MARKS = ("one", "two", "three", "four")
"""Series classes; each has its own colour and its own dash."""

_VIRIDIS = (
    (0x44, 0x01, 0x54), (0x47, 0x2D, 0x7B), (0x3B, 0x52, 0x8B), (0x2C, 0x72, 0x8E), (0x21, 0x91, 0x8C),
    (0x28, 0xAE, 0x80), (0x5E, 0xC9, 0x62), (0xAD, 0xDC, 0x30), (0xFD, 0xE7, 0x25),
)  # fmt: skip
"""The viridis colours at equal steps: even in lightness, and told apart with any colour vision."""


def draw_auroc(methods: Sequence[ExtractionRecord]) -> Drawing:
    """How well each method's directions separate held-out pairs, by layer."""
    measured = [record for record in methods if record.figures]
    layers = sorted({figure.layer for record in measured for figure in record.figures})
    low = min([0.4, *(int(10 * figure.auroc) / 10 for record in measured for figure in record.figures)])
    pad = 0.3 if len(layers) < 10 else 0.6
    frame = Frame(
        "Held-out AUROC by layer and method", (layers[0] - pad, layers[-1] + pad), (low, 1.0), 300, left=62, top=20
    )
    frame.ticks_y([low + step / 10 for step in range(round(10 * (1 - low)) + 1)], lambda value: plain(value, 2))
    every, radius = -(-len(layers) // 14), 4 if len(layers) <= 20 else 2.5
    frame.ticks_x(layers[::every])
    frame.level(0.5, "chance", "threshold")
    for place, record in enumerate(measured):
        mark = MARKS[place % len(MARKS)]
        rows = sorted(record.figures, key=lambda figure: figure.layer)
        best = next((figure for figure in rows if figure.layer == record.best_layer), None)
        if best is not None and record.best_auroc_ci95 is not None:
            shift = (place - (len(measured) - 1) / 2) * 0.03 * (layers[-1] - layers[0] + 2 * pad)
            frame.line([(best.layer + shift, bound) for bound in record.best_auroc_ci95], f"whisker {mark}")
        frame.line([(figure.layer, figure.auroc) for figure in rows], f"series {mark}")
        for figure in rows:
            tip = f"{label(record.method)}, layer {figure.layer}: AUROC {figure.auroc:.3f}"
            frame.dot(figure.layer, figure.auroc, f"mark {mark}", tip, 6 if figure is best else radius)
    frame.name_axes("layer", "AUROC on held-out pairs")
    return frame.drawing(
        *(Key("line", f"series {MARKS[p % len(MARKS)]}", label(r.method)) for p, r in enumerate(measured))
    )


def draw_grid(view: SteeringView) -> Drawing:
    """Trait score by layer and strength; the stepped line is where coherence falls below its threshold."""
    layers = view.layers
    strengths = [cell.strength for cell in view.report.grid]
    low, high = min(strengths), max(strengths)
    margin = (high - low) * 0.08 or 0.5
    frame = Frame(
        "Trait score by layer and strength: "
        + "; ".join(
            f"layer {layer}, best coherent score {score(best.score) if (best := view.best(layer)) else 'none'}"
            for layer in layers
        ),
        (low - margin, high + margin),
        (0, len(layers)),
        76 + max(18, min(44, 420 // len(layers))) * len(layers),
        top=12,
        left=56,
    )
    frame.hatch(HATCH)
    edge: list[Point] = []
    for place, layer in enumerate(layers):
        row = view.row(layer)
        frame.write(frame.left - 8, frame.y.at(place + 0.5) + 4, str(layer), "tick strong", "end")
        bounds = _bounds([cell.strength for cell in row], frame.x_range)
        for cell, span in zip(row, bounds, strict=True):
            _draw_cell(frame, view, cell, span, place)
        cliff = _cliff(view, row, bounds)
        edge += [(cliff, place), (cliff, place + 1)]
    frame.line(edge, "cliff halo")
    frame.line(edge, "cliff")
    _, steps = _steps(low, high)
    frame.ticks_x(steps, lambda value: plain(value, 2))
    frame.name_axes("strength (multiples of the activation norm)", "layer")
    return frame.drawing(
        Key("line", "cliff", f"coherence falls below {plain(view.report.min_coherence)} to the right"),
        Key("rect", "chosen", "chosen push"),
    )


def scale_colour(value: float) -> tuple[str, str]:
    """The viridis colour of a score of 0-100, and the class of a text that is legible on it."""
    place = min(max(value / 100, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    first = min(int(place), len(_VIRIDIS) - 2)
    mixed = [round(a + (b - a) * (place - first)) for a, b in zip(_VIRIDIS[first], _VIRIDIS[first + 1], strict=True)]
    return "#{:02x}{:02x}{:02x}".format(*mixed), "on-light" if value > 55 else "on-dark"


def draw_doses(view: SteeringView) -> Drawing:
    """Trait score and coherence by strength at the chosen layer, beside random directions of the same norm."""
    doses = sorted(view.report.dose_response, key=lambda dose: dose.strength)
    strengths = [dose.strength for dose in doses]
    low, high = min(strengths), max(strengths)
    layer = view.chosen.layer if view.chosen else None
    frame = Frame(
        f"Dose-response at layer {layer}: trait score and coherence by strength", (low, high), (0, 100), 320, top=28
    )
    frame.ticks_y(SCALE)
    frame.ticks_x(_steps(low, high)[1], lambda value: plain(value, 2))
    randoms = [outcome.score for outcome in view.random_outcomes if outcome.score is not None]
    if randoms:
        highest, lowest = ([(low, edge), (high, edge)] for edge in (max(randoms), min(randoms)))
        frame.band(highest, lowest, "band three")
        frame.line(highest, "series three")
    frame.level(
        view.report.min_coherence, f"coherence ≥ {plain(view.report.min_coherence)}", "threshold", at_start=True
    )
    banded = [(dose.strength, dose.score_ci95) for dose in doses if dose.score_ci95 is not None]
    frame.band([(x, ci[1]) for x, ci in banded], [(x, ci[0]) for x, ci in banded], "band one")
    _draw_series(frame, doses, "coherence", "two", [dose.coherence for dose in doses])
    _draw_series(frame, doses, "trait score", "one", [dose.score for dose in doses])
    if view.chosen is not None:
        frame.upright(view.chosen.strength, "chosen", "gate")
    frame.name_axes("strength (multiples of the activation norm)", "score")
    return frame.drawing(
        Key("line", "series one", "trait score, with 95 % interval"),
        Key("line", "series two", "coherence"),
        *([Key("line", "series three", "random directions at their best: range and highest score")] if randoms else ()),
    )


def _draw_series(frame: Frame, doses: Sequence[Dose], name: str, class_: str, values: Sequence[float | None]) -> None:
    points = [(dose.strength, value) for dose, value in zip(doses, values, strict=True) if value is not None]
    if not points:
        return
    frame.line(points, f"series {class_}")
    for strength, value in points:
        frame.dot(strength, value, f"mark {class_}", f"{name} at {plain(strength, 2)}: {score(value)}", 4)


def _draw_cell(frame: Frame, view: SteeringView, cell: Cell, span: tuple[float, float], place: int) -> None:
    tip = (
        f"layer {cell.layer}, strength {plain(cell.strength, 2)}: trait {score(cell.score)}, "
        f"coherence {score(cell.coherence)}, {cell.n} answers, {cell.unscored} unscored"
    )
    left, right = frame.x.at(span[0]), frame.x.at(span[1])
    top, bottom = frame.y.at(place + 1), frame.y.at(place)
    place_and_size = (left, top + 1, max(right - left - 1, 1), bottom - top - 2)
    middle = (left + right) / 2
    if cell.score is None:
        frame.box(*place_and_size, "cell none", tip)
        frame.write(middle, (top + bottom) / 2 + 4, "–", "cell-text")
        return
    fill, text_class = scale_colour(cell.score)
    frame.box(*place_and_size, "cell", tip, fill)
    if not view.coherent(cell):
        frame.box(*place_and_size, "incoherent", tip, f"url(#{HATCH})")
    if right - left >= 24:
        frame.write(middle, (top + bottom) / 2 + 4, plain(cell.score, 0), f"cell-text {text_class}")
    chosen = view.chosen
    if chosen is not None and cell.layer == chosen.layer and isclose(cell.strength, chosen.strength):
        for class_ in ("chosen halo", "chosen"):
            frame.box(left + 2, top + 3, max(right - left - 5, 1), bottom - top - 6, class_)


def _bounds(strengths: Sequence[float], ends: tuple[float, float]) -> list[tuple[float, float]]:
    """From the middle between a strength and the one before to the middle towards the next one."""
    middles = [(a + b) / 2 for a, b in pairwise(strengths)]
    return list(zip([ends[0], *middles], [*middles, ends[1]], strict=True))


def _cliff(view: SteeringView, row: Sequence[Cell], bounds: Sequence[tuple[float, float]]) -> float:
    """The right end of the last coherent cell; the left end of the row where none is coherent."""
    coherent = [span[1] for cell, span in zip(row, bounds, strict=True) if view.coherent(cell)]
    return max(coherent, default=bounds[0][0])


def _steps(low: float, high: float) -> tuple[float, list[float]]:
    """A round step and its multiples within the range, three to seven of them."""
    span = high - low or 1.0
    step = next(s * 10.0**power for power in range(-3, 6) for s in (1, 2, 2.5, 5) if span / (s * 10.0**power) <= 6)
    first = -(-low // step)
    return step, [step * (first + number) for number in range(int((high - step * first) // step) + 1)]
