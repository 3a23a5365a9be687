"""From the probabilities of a judge's answer tokens, or from repeated answers, to a verdict. Pure arithmetic."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from lm.scales import LARGEST
from lm.verdicts import Backend, JudgeIdentity, Score, Unscored, Verdict

_NUMBER = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*\.?\s*")


def expected_score(
    log_probabilities: Mapping[str, float],
    min_mass: float,
    backend: Backend = "probabilities",
    *,
    points: Mapping[str, float] | None = None,
    judge: JudgeIdentity | None = None,
) -> Verdict:
    """The expected label under the answer distribution, renormalised over the labels.

    `log_probabilities` are natural logs by label (spaces allowed), `points` what each label stands for on 0-100; None
    where the labels are such numbers themselves. When less than `min_mass` of the probability lies on labels the answer
    was something else, and the verdict is Unscored.
    """
    probabilities = {label.strip(): math.exp(value) for label, value in log_probabilities.items()}
    mass = math.fsum(probabilities.values())
    if mass <= 0 or mass < min_mass:
        return Unscored(reason=f"only {mass:.1%} of the answer's probability is on the scale (at least {min_mass:.0%})")
    shares = {label: probability / mass for label, probability in probabilities.items()}
    return Score(
        value=math.fsum((points[label] if points else float(label)) * share for label, share in shares.items()),
        mass=min(mass, 1.0),
        entropy=math.fsum(-share * math.log2(share) for share in shares.values() if share > 0),
        backend=backend,
        distribution=shares,
        judge=judge,
    )


def sampled_score(answers: Sequence[str], min_mass: float, judge: JudgeIdentity | None = None) -> Verdict:
    """The mean of the numbers among repeated answers; what is no number from 0 to 100 counts against the mass."""
    numbers = [float(found[1]) for answer in answers if (found := _NUMBER.fullmatch(answer))]
    counts = Counter(f"{number:g}" for number in numbers if number <= LARGEST)
    shares = {label: math.log(count / len(answers)) for label, count in counts.items()}
    return expected_score(shares, min_mass, "samples", judge=judge)
