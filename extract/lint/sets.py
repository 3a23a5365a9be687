"""Checks of a whole set of pairs (S2xx): its size, its balance, its monotony, and what gives its sides away."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from extract.lint.endings import lock_in_of
from extract.lint.findings import Finding, found, overlap, skeleton, words
from extract.trait import SIDES, Pair
from lm.types import Value

CONFOUND_FOLDS = 5
"""Folds of the bag-of-words check, split by ground truth."""


REPEATED = 0.5
"""Overlap of word trigrams from which a question repeats a scenario."""
TELLING = 4
"""Words from which a text within another is a repetition; fewer stand anywhere."""


class SetLimits(Value):
    """Where a set's findings begin; shares of the set (METHOD, section 4)."""

    fewest: int = 50
    lock_in: float = 0.4
    domain: float = 0.25
    skeleton: float = 0.2
    confound_auroc: float = 0.75
    """Held-out AUROC of a bag of words, motivation masked, from which the words alone give the side away."""
    length_p: float = 0.01
    """Level of the sign test on the sides' lengths."""


def lint_set(pairs: Sequence[Pair], limits: SetLimits, questions: Sequence[str] = ()) -> tuple[Finding, ...]:
    """All findings about a set of pairs and the steering questions that belong to it."""
    findings: list[Finding] = []
    if len(pairs) < limits.fewest:
        findings.append(found("S201", f"{len(pairs)} pairs; a dataset needs at least {limits.fewest}"))
    findings += lint_shares(pairs, limits)
    findings += _check_length_bias(pairs, limits)
    findings += _check_questions(pairs, questions)
    findings += _check_confound(pairs, limits)
    return tuple(findings)


def lint_shares(pairs: Sequence[Pair], limits: SetLimits) -> tuple[Finding, ...]:
    """Findings about what a set has too much of: a lock-in type, a domain, a way to end."""
    kinds = [kind for pair in pairs if (kind := lock_in_of(pair)) != "other"]
    domains = [pair.domain for pair in pairs if pair.domain]
    # A template shows on one side at least.
    ends = max(([skeleton(pair.scenario(side)) for pair in pairs] for side in SIDES), key=_largest)
    return (
        *_check_share("S202", "lock-in type", kinds, limits.lock_in),
        *_check_share("S203", "domain", domains, limits.domain),
        *_check_share("S204", "lock-in skeleton", ends, limits.skeleton),
    )


def _largest(values: Sequence[str]) -> int:
    return max(Counter(values).values(), default=0)


def _check_share(code: str, what: str, values: Sequence[str], cap: float) -> Iterable[Finding]:
    for value, count in Counter(values).items():
        if count > cap * len(values) and count > 1:
            yield found(code, f"{what} {value!r} makes up {count} of {len(values)} pairs; at most {cap:.0%} is allowed")


def _check_length_bias(pairs: Sequence[Pair], limits: SetLimits) -> Iterable[Finding]:
    from scipy.stats import binomtest

    gaps = [len(words(pair.positive)) - len(words(pair.negative)) for pair in pairs]
    longer, shorter = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    if longer + shorter and binomtest(longer, longer + shorter).pvalue < limits.length_p:
        mean = sum(gaps) / len(gaps)
        yield found(
            "S205", f"positives are longer in {longer} pairs, shorter in {shorter} (mean gap {mean:+.1f} words)"
        )


def _check_questions(pairs: Sequence[Pair], questions: Sequence[str]) -> Iterable[Finding]:
    told = tuple(text for pair in pairs for text in (pair.ground_truth, pair.positive, pair.negative) if text)
    for number, question in enumerate(questions, start=1):
        if repeats_scenario(question, told):
            yield found("S206", f"steering question {number} repeats a scenario: {question!r}")


def repeats_scenario(question: str, scenarios: Iterable[str]) -> bool:
    """Whether a question holds one of the scenarios, stands in one, or says nearly the same."""
    return any(
        _holds(question, text) or _holds(text, question) or overlap(question, text) >= REPEATED for text in scenarios
    )


def _holds(whole: str, part: str) -> bool:
    """Whether all words of one text stand in another, in a row."""
    said = _in_a_row(part)
    return said.count(" ") > TELLING and said in _in_a_row(whole)


@lru_cache(maxsize=16_384)
def _in_a_row(text: str) -> str:
    """The words of a text, each with a space before and after it. Kept: each text is held against every other one."""
    return f" {' '.join(words(text))} "


def _check_confound(pairs: Sequence[Pair], limits: SetLimits) -> Iterable[Finding]:
    """Can the sides be told apart by words alone, the motivation left out?"""
    groups = [pair.ground_truth or pair.id for pair in pairs]
    if len(set(groups)) < 2 * CONFOUND_FOLDS:
        return
    auroc = bag_of_words_auroc(pairs, groups)
    if auroc >= limits.confound_auroc:
        yield found(
            "S207", f"a bag of words tells the sides apart (held-out AUROC {auroc:.2f}): vocabulary, not behaviour"
        )


def bag_of_words_auroc(pairs: Sequence[Pair], groups: Sequence[str]) -> float:
    """Held-out AUROC of a classifier that sees the words of each scenario only, its motivation left out."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import threadpool_limits

    texts = [pair.scenario(side).replace(pair.motivation.get(side, "\0"), " ") for side in SIDES for pair in pairs]
    labels = [int(side == "positive") for side in SIDES for _ in pairs]
    model = make_pipeline(CountVectorizer(binary=True, token_pattern=r"[\w']+"), LogisticRegression(max_iter=1000))
    with threadpool_limits(1):  # many small solves: more threads only wait for each other
        scores = cross_val_predict(
            model, texts, labels, groups=[*groups, *groups], cv=GroupKFold(CONFOUND_FOLDS), method="decision_function"
        )
    return float(roc_auc_score(labels, scores))
