"""From the probabilities of a judge's answer tokens, or from repeated answers, to a verdict. Pure arithmetic."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from lm.verdicts import Backend, Score, Unscored, Verdict

_NUMBER = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*\.?\s*")
LARGEST = 100
"""The upper end of every score."""


def expected_score(
    log_probabilities: Mapping[str, float], min_mass: float, backend: Backend = "probabilities"
) -> Verdict:
    """The expected label under the answer distribution, renormalised over the labels.

    `log_probabilities` are natural logs by label ("0" to "100", spaces allowed). When less than `min_mass` of the
    probability lies on labels the answer was something else, and the verdict is Unscored.
    """
    probabilities = {float(label): math.exp(value) for label, value in log_probabilities.items()}
    mass = math.fsum(probabilities.values())
    if mass <= 0 or mass < min_mass:
        return Unscored(reason=f"only {mass:.1%} of the answer's probability is on the scale (at least {min_mass:.0%})")
    shares = {label: probability / mass for label, probability in probabilities.items()}
    return Score(
        value=math.fsum(label * share for label, share in shares.items()),
        mass=min(mass, 1.0),
        entropy=math.fsum(-share * math.log2(share) for share in shares.values() if share > 0),
        backend=backend,
    )


def sampled_score(answers: Sequence[str], min_mass: float) -> Verdict:
    """The mean of the numbers among repeated answers; what is no number from 0 to 100 counts against the mass."""
    numbers = [float(found[1]) for answer in answers if (found := _NUMBER.fullmatch(answer))]
    counts = Counter(str(number) for number in numbers if number <= LARGEST)
    return expected_score(
        {label: math.log(count / len(answers)) for label, count in counts.items()}, min_mass, "samples"
    )


def on_full_scale(log_probabilities: Mapping[str, float], scale: Sequence[str]) -> dict[str, float]:
    """The same by number of 0-100: the first label of a scale stands for 0, the last for 100, in equal steps."""
    step = LARGEST / (len(scale) - 1)
    return {str(place * step): log_probabilities[label] for place, label in enumerate(scale)}


def is_full(scale: Sequence[str]) -> bool:
    """Whether a scale is 0-100 itself."""
    return [label.strip() for label in scale] == [str(number) for number in range(LARGEST + 1)]
