"""Small SVG charts: a frame with two axes and the marks on it. Colours and fonts are classes of style.css.

Drawn by hand because the page then follows the reader's light or dark theme, every mark can carry a tooltip, the same
journal gives the same bytes, and building a report needs neither a plotting library nor its font cache.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from agent.report.numbers import plain, visible

WIDTH = 480
"""Width of every chart in its own units: it is legible on a phone and may be shown twice as large."""

Point = tuple[float, float]
Range = tuple[float, float]


def element(name: str, *children: str, **attributes: object) -> Markup:
    """One SVG element; children and attribute values are escaped, names are spelled as SVG does."""
    shown = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _attribute(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(escape(visible(child)) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), shown, inside)


@dataclass(frozen=True)
class Key:
    """One line of a legend: how the mark looks, and what it means."""

    shape: str
    """rect, line or circle."""
    class_: str
    text: str

    def swatch(self) -> Markup:
        """The mark, as small as a letter."""
        shapes = {
            "rect": element("rect", x=1, y=1, width=16, height=10, class_=self.class_),
            "line": element("line", x1=0, x2=18, y1=6, y2=6, class_=self.class_),
            "circle": element("circle", cx=9, cy=6, r=4.5, class_=self.class_),
        }
        return element("svg", shapes[self.shape], viewBox="0 0 18 12", class_="swatch", aria_hidden="true")


@dataclass(frozen=True)
class Drawing:
    """A finished chart and its legend."""

    svg: Markup
    legend: tuple[Key, ...] = ()


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies; values beyond the ends lie on the ends."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)


@dataclass
class Frame:
    """A chart under construction. `x` and `y` are the ranges of values; positions are given in values."""

    title: str
    x_range: Range
    y_range: Range
    height: int = 260
    left: int = 50
    right: int = 16
    top: int = 18
    bottom: int = 46
    parts: list[Markup] = field(default_factory=list)

    @property
    def x(self) -> Axis:
        """The horizontal axis."""
        return Axis(*self.x_range, self.left, WIDTH - self.right)

    @property
    def y(self) -> Axis:
        """The vertical axis, growing upwards."""
        return Axis(*self.y_range, self.height - self.bottom, self.top)

    def add(self, name: str, tip: str | None = None, **attributes: object) -> None:
        """Any element in drawing units, with a tooltip."""
        tips = () if tip is None else (element("title", tip),)
        self.parts.append(element(name, *tips, **attributes))

    def write(
        self, x: float, y: float, text: str, class_: str = "tick", anchor: str = "middle", **more: object
    ) -> None:
        """A text at a place in drawing units."""
        self.parts.append(element("text", text, x=x, y=y, class_=class_, text_anchor=anchor, **more))

    def ticks_y(self, values: Iterable[float], show: Callable[[float], str] = plain) -> None:
        """Horizontal grid lines with their values."""
        for value in values:
            at = self.y.at(value)
            self.add("line", x1=self.left, x2=WIDTH - self.right, y1=at, y2=at, class_="grid")
            self.write(self.left - 8, at + 4, show(value), anchor="end")

    def ticks_x(self, values: Iterable[float], show: Callable[[float], str] = plain, *, grid: bool = False) -> None:
        """Values under the horizontal axis, and lines above them where asked for."""
        for value in values:
            at = self.x.at(value)
            if grid:
                self.add("line", x1=at, x2=at, y1=self.top, y2=self.height - self.bottom, class_="grid")
            self.write(at, self.height - self.bottom + 18, show(value))

    def name_axes(self, x: str = "", y: str = "") -> None:
        """Titles of the axes."""
        if x:
            self.write((self.left + WIDTH - self.right) / 2, self.height - 8, x, "axis")
        if y:
            middle = (self.top + self.height - self.bottom) / 2
            self.write(13, middle, y, "axis", transform=f"rotate(-90 13 {plain(middle).replace('−', '-')})")

    def line(self, points: Sequence[Point], class_: str) -> None:
        """A line through points given in values."""
        path = " ".join(f"{_number(self.x.at(x))},{_number(self.y.at(y))}" for x, y in points)
        self.add("polyline", points=path, class_=class_)

    def band(self, upper: Sequence[Point], lower: Sequence[Point], class_: str) -> None:
        """The area between two lines."""
        around = [*upper, *reversed(lower)]
        path = " ".join(f"{_number(self.x.at(x))},{_number(self.y.at(y))}" for x, y in around)
        self.add("polygon", points=path, class_=class_)

    def dot(self, x: float, y: float, class_: str, tip: str, radius: float = 4.5) -> None:
        """A dot at a point given in values."""
        self.add("circle", tip, cx=self.x.at(x), cy=self.y.at(y), r=radius, class_=class_)

    def bar(self, x: Range, y: Range, class_: str, tip: str) -> None:
        """A rectangle between two values of each axis."""
        left, right = sorted(self.x.at(value) for value in x)
        top, bottom = sorted(self.y.at(value) for value in y)
        self.add("rect", tip, x=left, y=top, width=max(right - left, 0.5), height=bottom - top, class_=class_)

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        class_: str,
        tip: str | None = None,
        fill: str | None = None,
    ) -> None:
        """A rectangle in drawing units."""
        self.add("rect", tip, x=x, y=y, width=width, height=height, rx=2, class_=class_, fill=fill)

    def hatch(self, name: str) -> None:
        """A pattern of slanted lines that `fill="url(#name)"` lays over a mark."""
        lines = element("path", d="M-1,7 L7,-1 M-1,1 L1,-1 M5,7 L7,5", class_="hatch-line")
        pattern = element("pattern", lines, id=name, width=6, height=6, patternUnits="userSpaceOnUse")
        self.parts.append(element("defs", pattern))

    def level(
        self, value: float, text: str, class_: str = "gate", *, below: bool = False, at_start: bool = False
    ) -> None:
        """A horizontal threshold with its name above or below its right or left end."""
        at = self.y.at(value)
        self.add("line", x1=self.left, x2=WIDTH - self.right, y1=at, y2=at, class_=class_)
        x, anchor = (self.left + 6, "start") if at_start else (WIDTH - self.right, "end")
        self.write(x, at + (14 if below else -5), text, "note", anchor)

    def upright(self, value: float, text: str, class_: str = "gate", anchor: str = "middle") -> None:
        """A vertical threshold with its name at the top."""
        at = self.x.at(value)
        self.add("line", x1=at, x2=at, y1=self.top, y2=self.height - self.bottom, class_=class_)
        self.write(at, self.top - 6, text, "note", anchor)

    def drawing(self, *legend: Key) -> Drawing:
        """The finished chart."""
        svg = element(
            "svg", *self.parts, viewBox=f"0 0 {WIDTH} {self.height}", class_="chart", role="img", aria_label=self.title
        )
        return Drawing(svg, legend)


def round_up(value: float) -> tuple[float, list[float]]:
    """The end of an axis from 0 that holds `value`, with three to six round steps."""
    step = 1.0
    while value / step > 5:
        step *= 2.5 if str(step)[0] == "2" else 2
    steps = [step * number for number in range(int(-(-max(value, step) // step)) + 1)]
    return steps[-1], steps


def _attribute(value: object) -> object:
    return _number(value) if isinstance(value, (int, float)) else visible(value)


def _number(value: float) -> str:
    return plain(value, 2).replace("−", "-")
