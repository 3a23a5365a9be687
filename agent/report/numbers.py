"""How numbers and untrusted words are written on the page."""

from markupsafe import Markup

NOT_SCORED = "unscored"
NO_INTERVAL = "no interval"
_HIDDEN = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_TURNING = {code: f"[U+{code:04X}]" for code in (*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_BROKEN = dict.fromkeys((*range(55296, 57344), 65534, 65535), "�")
_VISIBLE: dict[int, int | str] = {**_HIDDEN, **_TURNING, **_BROKEN}


def visible(value: object) -> object:
    """A text with control characters, bidirectional overrides and broken code points made visible; else as given."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_VISIBLE)
    return value


def plain(value: float, digits: int = 1) -> str:
    """At most `digits` decimals, none where they are zero, with a real minus."""
    text = f"{value:.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text.replace("-", "−")


def score(value: float | None) -> str:
    """A score of 0-100; a missing one stays missing."""
    return NOT_SCORED if value is None else plain(value)


def points(value: float | None) -> str:
    """The same in whole points."""
    return NOT_SCORED if value is None else f"{value:.0f}"


def signed(value: float | None) -> str:
    """A difference with its sign."""
    if value is None:
        return NOT_SCORED
    return plain(value) if plain(value).startswith("−") else f"+{plain(value)}"


def percent(share: float) -> str:
    """A share in percent, never rounded over a threshold it does not reach."""
    return f"{plain(100 * share)}\N{NO-BREAK SPACE}%"


def interval(bounds: tuple[float, float] | None, *, digits: int = 1, sign: bool = False) -> str:
    """An interval in brackets, on one line."""
    if bounds is None:
        return NO_INTERVAL
    write = signed if sign else (lambda value: plain(value, digits))
    low, high = (write(bound) for bound in bounds)
    return f"[{low},\N{NO-BREAK SPACE}{high}]"


def percents(bounds: tuple[float, float] | None) -> str:
    """An interval of shares, in percent."""
    if bounds is None:
        return NO_INTERVAL
    low, high = (plain(100 * bound) for bound in bounds)
    return f"{low}–{high}\N{NO-BREAK SPACE}%"


def seconds(value: float) -> str:
    """A duration in the unit people would use."""
    if value < 1:
        return f"{value:.2f} s"
    if value < 90:
        return f"{plain(value)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def usd(value: float | None) -> str:
    """An amount of money; an unknown price stays unknown."""
    return "unknown" if value is None else f"{value:.4f}\N{NO-BREAK SPACE}$"


def count(value: int) -> str:
    """A whole number with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def label(name: str) -> str:
    """A name from code as people write it."""
    return name.replace("_", " ").replace("-", " ")
