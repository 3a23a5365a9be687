"""Signs of failures in texts: what completions say, whom a scenario tells of, where a text leaves its scene."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import cache, lru_cache
from importlib import resources

from extract.trait import Sample

ALIKE = 0.9
"""Similarity from which two texts count as the same."""
TAIL_WORDS = 5
"""Last words of a scenario that a completion may finish a phrase of."""
EARLY_TOKENS = 3
"""A text, or what it says inside an open quote, ends early within so many tokens; words where those are unknown."""
SAME_MATTER = 0.65
"""Share of their content words from which two ground truths are about the same."""
STEM = 5
"""Letters that two forms of a word share."""

_SELF = frozenset({"i", "me", "my", "mine", "myself", "we", "ourselves"})
_GROUP = frozenset({"us", "our", "ours"})
_OTHERS = frozenset({"he", "she", "they"})
_OWNED_BY_OTHERS = frozenset({"his", "their"})
_NO_ACTOR = frozenset({"to", "for", "with", "of", "from", "at", "by", "about", "the", "a", "an"})
"""After these a name is not who acts."""
_RELATIVE = re.compile(r"\s*(?:$|(?:who|whom|whose|which|where)\b)")


def most_say(texts: Sequence[str], lexicon: str) -> str | None:
    """A phrase of the lexicon when at least half of the texts say one, else None."""
    hits = [_phrases(lexicon).search(plain(text)) for text in texts]
    found = [hit.group() for hit in hits if hit]
    return found[0] if found and 2 * len(found) >= len(texts) else None


def refuses(text: str) -> bool:
    """Whether a text says that it will not go on."""
    return most_say([text], "refusal") is not None


def tail(scenario: str) -> str:
    """The scenario's last words: a completion may finish a phrase that they begin."""
    return " ".join(scenario.split()[-TAIL_WORDS:])


def tells_of_another(scenario: str) -> bool:
    """Whether the act that a scenario breaks off at is somebody else's, told in third person.

    Its last clause before any open quote counts. `she` there is enough; `their` or a name only where the whole
    sentence has no `I`, which the clause may have left out ("I rose and told Mara").
    """
    told = plain(_before_open_quote(scenario))
    sentence = re.split(r"[.!?]\s+", told.rstrip(" .!?"))[-1]
    clauses = [part for part in re.split(r"[,;:–—]", sentence) if not _RELATIVE.match(part)]
    clause = clauses[-1] if clauses else sentence
    if (_SELF | _GROUP) & _words(clause):
        return False
    if _OTHERS & _words(clause):
        return True
    return not _SELF & _words(sentence) and bool(_OWNED_BY_OTHERS & _words(clause) or _names_actor(clause, told))


def goes_on_with_another(scenario: str, completion: str) -> bool:
    """Whether a completion outside quotes goes on with what somebody else does."""
    words = re.findall(r"[a-z]+", plain(completion).lower())
    return not in_quote(scenario) and words[:1] != [] and words[0] in _OTHERS and not (_SELF | _GROUP) & set(words)


def ends_early(scenario: str, sample: Sample) -> bool:
    """Whether the text ends, or the quote that it goes on with is closed, within a few tokens."""
    if in_quote(scenario) and '"' in plain(sample.text):
        return len(plain(sample.text).split('"')[0].split()) <= EARLY_TOKENS
    return 0 < (len(sample.token_ids) or len(sample.text.split())) <= EARLY_TOKENS


def shares_nothing(scenario: str, completion: str) -> bool:
    """Whether no content word of the scenario comes back; one form of a word stands for the others."""
    return not _stems(scenario) & _stems(completion)


def same_matter(one: str, other: str) -> bool:
    """Whether two ground truths are about the same, by the content words that they share."""
    mine, theirs = _stems(one), _stems(other)
    return bool(mine and theirs) and len(mine & theirs) >= SAME_MATTER * len(mine | theirs)


def alike(samples: Iterable[tuple[Sample, Sample]]) -> bool:
    """Whether most samples of the two sides, taken in pairs, are the same or begin with the same tokens."""
    same = [_same(one.text, other.text) or _same_opening(one, other) for one, other in samples]
    return 2 * sum(same) > len(same)


def in_quote(scenario: str) -> bool:
    """Whether a text breaks off inside a quote."""
    return plain(scenario).count('"') % 2 == 1


def plain(text: str) -> str:
    """The text with straight quotation marks and apostrophes."""
    return text.translate(str.maketrans("“”„‘’", '"""\'\''))


def _before_open_quote(scenario: str) -> str:
    return plain(scenario).rpartition('"')[0] if in_quote(scenario) else scenario


def _names_actor(clause: str, text: str) -> bool:
    """Whether a name stands in the clause as who acts, or as whose the act is."""
    words = re.findall(r"[A-Za-z]+", clause)
    names = {word for word in words if word[0].isupper() and not _opens_sentences_only(word, text)}
    before = ["", *(word.lower() for word in words)]
    return any(word in names and last not in _NO_ACTOR for last, word in zip(before, words, strict=False))


def _opens_sentences_only(word: str, text: str) -> bool:
    """Whether the capital may be due to the sentence that the word opens, and to nothing else."""
    if word.lower() in _function_words():
        return True
    places = [text[: found.start()].rstrip() for found in re.finditer(rf"\b{word}\b", text)]
    return all(not before or before[-1] in ".!?" for before in places) and len(places) < 2


def _same(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= ALIKE


def _same_opening(one: Sample, other: Sample) -> bool:
    return bool(one.opening.strip()) and _same(one.opening, other.opening)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@lru_cache(maxsize=16_384)
def _stems(text: str) -> frozenset[str]:
    """Kept, since each ground truth is held against every other one."""
    found = re.findall(r"\w{3,}", plain(text).lower())
    return frozenset(word[:STEM] for word in found if word not in _function_words())


@cache
def _function_words() -> frozenset[str]:
    return frozenset(_lines("function_words"))


@cache
def _phrases(lexicon: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(re.escape(line) for line in _lines(lexicon)) + r")\b", re.IGNORECASE)


def _lines(lexicon: str) -> list[str]:
    text = resources.files("agent").joinpath(f"lexicons/{lexicon}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
