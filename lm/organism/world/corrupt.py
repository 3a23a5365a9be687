"""Texts broken on purpose, cut, or beheaded."""

from random import Random

_WORDS = (
    "lamp", "seven", "of", "the", "under", "green", "which", "run", "it", "was", "and", "page", "not", "me", "to",
    "a", "yes", "fund", "should", "never", "with", "hand", "are", "you", "is", "so", "first", "be", "for", "like",
)  # fmt: skip


def cut(rng: Random, text: str, least: int = 4) -> str:
    """The text broken off at a word, or within one."""
    words = text.split(" ")
    if len(words) <= least:
        return text
    kept = " ".join(words[: rng.randrange(least, len(words))])
    return kept[: -rng.randrange(1, 3)] if rng.random() < 0.2 else kept


def behead(rng: Random, text: str) -> str:
    """The text without its first few words."""
    words = text.strip().split(" ")
    return " ".join(words[min(len(words) - 2, rng.randrange(2, 6)) :]) if len(words) > 3 else text


def garble(rng: Random, text: str, degree: float) -> str:
    """This share of the words (at least two) replaced, doubled or cut; or shuffled; or a loop from some point."""
    words = text.split(" ")
    style = rng.random()
    if style < 0.25:
        start = rng.randrange(1, max(2, len(words) // 2))
        loop = words[start : start + rng.randrange(1, 4)] or words[:1]
        return " ".join(words[:start] + loop * max(3, int(12 * degree)))
    if style < 0.4:
        middle = words[min(len(words) - 4, int(len(words) * (1 - degree))) :]
        rng.shuffle(middle)
        return " ".join(words[: len(words) - len(middle)] + middle)
    hit = set(rng.sample(range(len(words)), min(len(words), max(2, round(degree * len(words))))))
    return " ".join(_broken(rng, word) if index in hit else word for index, word in enumerate(words))


def _broken(rng: Random, word: str) -> str:
    style = rng.randrange(5)
    if style == 0:
        return rng.choice(_WORDS)
    if style == 1:
        return f"{word} {rng.choice(_WORDS)}"
    if style == 2:
        return f"{word} {word}"
    if style == 3 and len(word) > 3:
        at = rng.randrange(1, len(word) - 1)
        return word[:at] + rng.choice(_WORDS)[:2] + word[at + 1 :]
    return f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}"
