"""Which layers: `all`, numbers, ranges with both ends (`20:60:2` is 20, 22, … 60), shares of the depth (`30%-60%`)."""

import re

from lm.errors import UserError

_RANGE = re.compile(r"(\d+)(?::(\d+)(?::(\d+))?)?")
_SHARES = re.compile(r"(\d+(?:\.\d+)?)%-(\d+(?:\.\d+)?)%")


def parse_layers(text: str, n_layers: int) -> tuple[int, ...]:
    """The layers that a text names, ascending; parts are separated by commas.

    Layer l lies at the share l / (n_layers - 1) of the depth. Raises UserError for anything else, for layers that the
    model does not have, and where no layer is named.
    """
    found = sorted({layer for part in text.split(",") for layer in _parse_part(text, part.strip(), n_layers)})
    if not found:
        raise _error(text, "no layer lies there", n_layers)
    return tuple(found)


def _parse_part(text: str, part: str, n_layers: int) -> list[int]:
    if part == "all":
        return list(range(n_layers))
    if shares := _SHARES.fullmatch(part):
        if max(map(float, shares.groups())) > 100:
            raise _error(text, f"{part!r} goes beyond 100 %", n_layers)
        low, high = (float(share) / 100 * (n_layers - 1) for share in shares.groups())
        return [layer for layer in range(n_layers) if low <= layer <= high]
    if (numbers := _RANGE.fullmatch(part)) is None:
        raise _error(text, f"{part!r} is neither a number nor a range", n_layers)
    start, stop, step = numbers.groups()
    if step is not None and int(step) == 0:
        raise _error(text, f"{part!r} goes in steps of 0", n_layers)
    last = int(stop or start)
    if last >= n_layers:
        raise _error(text, f"there is no layer {last}", n_layers)
    return list(range(int(start), last + 1, int(step or 1)))


def _error(text: str, what: str, n_layers: int) -> UserError:
    return UserError(
        f"{text!r} names no layers: {what}. Write 'all', numbers ('3,5'), ranges with both ends ('20:60:2') or shares "
        f"of the depth up to 100 % ('30%-60%'); this model has layers 0 to {n_layers - 1}."
    )
