"""Methods by name. A new method is one function in a file of its own and one line here."""

import difflib
from collections.abc import Callable, Mapping

from jaxtyping import Float
from torch import Tensor

from extract.methods.contrast import Contrast
from extract.methods.linear_discriminant import linear_discriminant
from extract.methods.logistic_probe import logistic_probe
from extract.methods.mean_difference import mean_difference
from extract.methods.principal_difference import principal_difference
from extract.methods.random_direction import random_direction
from lm.errors import UserError

Method = Callable[[Contrast], Float[Tensor, " d_model"]]
"""Pure: the same rows give the same vector. It points to the positive side; its length is the method's own."""

METHODS: Mapping[str, Method] = {
    "mean_difference": mean_difference,
    "logistic_probe": logistic_probe,
    "linear_discriminant": linear_discriminant,
    "principal_difference": principal_difference,
    "random_direction": random_direction,
}


def find_method(name: str) -> Method:
    """The method of that name. Raises UserError that lists the known ones."""
    if name in METHODS:
        return METHODS[name]
    close = difflib.get_close_matches(name, METHODS, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise UserError(f"There is no method {name!r}. Methods: {', '.join(METHODS)}.{meant}")
