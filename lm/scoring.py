"""From the probabilities of a judge's answer tokens to a verdict. Pure arithmetic."""

import math
from collections.abc import Mapping

from lm.verdicts import Score, Unscored, Verdict


def expected_score(log_probabilities: Mapping[str, float], min_mass: float) -> Verdict:
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
    )
