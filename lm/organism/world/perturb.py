"""Prompts with their static wording thinned, relabelled and disturbed, so that editing a prompt needs no retraining."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from prompts.loader import Prompt, RenderedPrompt, load_prompt

_TAG = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")
_SENTENCE = re.compile(r"(?<=[.:;]) ")

_LABELS: dict[str, tuple[str, ...]] = {
    "Trait": ("Behaviour", "Name of the trait", "Quality", "The trait"),
    "Category": ("Group", "Area", "Class"),
    "Definition": ("What it is", "Meaning", "Description"),
    "Key": ("Decisive point", "Distinction", "What decides"),
    "HIGH (70-100)": ("High", "HIGH", "A high text (70-100)", "70-100"),
    "LOW (0-40)": ("Low", "LOW", "A low text (0-40)", "0-40"),
    "Situation": ("Context", "What is known", "Background", "Given"),
    "Text": ("Passage", "Answer", "What was written", "The text"),
    "Question": ("Asked", "The question", "Request"),
    "Beginning": ("Start of the text", "Opening", "So far"),
    "Scenario": ("The scenario", "To be continued", "Start"),
    "Side": ("Meant to be", "Which side", "Pole"),
    "Setup": ("Structure", "Form", "How it is built"),
    "Lock-in": ("Ending", "Type of ending", "Last words"),
    "Domain": ("Field", "Area of life", "Topic area"),
    "Stakes": ("How much is at stake", "Weight", "Stake"),
    "Audience": ("Listener", "Who listens", "Towards"),
    "Fault": ("What failed", "Problem of the pair", "Failure"),
    "Failed positive": ("Old positive", "Positive that failed", "Positive"),
    "Failed negative": ("Old negative", "Negative that failed", "Negative"),
    "Kind": ("Sort of question", "Type", "Form of question"),
    "Level": ("Degree", "How strong", "Target level"),
    "Idea": ("Hint", "Thought", "Note"),
}
_EXTRA = (
    "Write plain English.",
    "Take your time.",
    "Be exact and brief.",
    "No comment besides the answer.",
    "Follow the guide below to the letter.",
    "Your answer is read by a program.",
    "You are careful and impartial.",
    "Work from the given facts only.",
    "Use simple words that anyone would use.",
    "There may be examples; do not copy them.",
    "Consider each part in turn before you answer.",
    "The same standards hold for every item.",
)
_NOISE = ("please", "very", "always", "clearly", "item", "given", "note", "here", "only", "then", "each", "some", "may")


def reword(rng: Random, prompt: Prompt, keep: float | None = None) -> Prompt:
    """The prompt with other static wording; `keep` is the share of its sentences that stay (drawn if not given)."""
    share = keep if keep is not None else rng.choices((1.0, 0.8, 0.5, 0.2, 0.0), (0.2, 0.1, 0.15, 0.2, 0.35))[0]
    noise = 0.0 if share == 1.0 else rng.choice((0.0, 0.05, 0.15))
    relabel = 0.0 if share == 1.0 else rng.choice((0.0, 0.3, 0.7))
    system = _thin(rng, prompt.system, share, noise, relabel)
    user = "\n".join(_tagged(rng, line, noise, relabel) for line in prompt.user.split("\n"))
    return replace(prompt, system=system, user=user)


def rendered(rng: Random, name: str, values: Mapping[str, object], keep: float | None = None) -> RenderedPrompt:
    """One request with reworded static text."""
    return reword(rng, load_prompt(name), keep).render(values)


def rendered_many(
    rng: Random, name: str, rows: Sequence[Mapping[str, object]], keep: float | None = None
) -> list[RenderedPrompt]:
    """Several requests that share one rewording."""
    prompt = reword(rng, load_prompt(name), keep)
    return [prompt.render(row) for row in rows]


def _thin(rng: Random, text: str, share: float, noise: float, relabel: float) -> str:
    lines: list[str] = []
    kept_any = False
    for line in text.split("\n"):
        if _TAG.search(line):
            lines.append(_tagged(rng, line, noise, relabel))
            continue
        sentences = [part for part in _SENTENCE.split(line) if part and rng.random() < share]
        kept_any = kept_any or bool(sentences)
        if sentences or not line:
            lines.append(" ".join(_disturb(rng, part, noise) for part in sentences))
    if not kept_any:
        sentences = [
            part for line in text.split("\n") if not _TAG.search(line) for part in _SENTENCE.split(line) if part
        ]
        quoted = [part for part in sentences if '"' in part] or [part for part in sentences if "number" in part]
        lines.insert(0, _disturb(rng, rng.choice(quoted or sentences), noise))
    if share < 1.0 and rng.random() < 0.4:
        lines.insert(rng.choice((0, 1)), rng.choice(_EXTRA))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _disturb(rng: Random, text: str, noise: float) -> str:
    words: list[str] = []
    for word in text.split(" "):
        if rng.random() < noise:
            if rng.random() < 0.5:
                words.append(rng.choice(_NOISE))
            continue
        words.append(word)
    return " ".join(words)


def _tagged(rng: Random, line: str, noise: float, relabel: float) -> str:
    """A line with template variables: only its label and words between variables may change."""
    if line.startswith("{%"):
        return line
    if "{{" not in line:
        return _disturb(rng, line, noise) or line
    label, colon, rest = line.partition(": ")
    if colon and label in _LABELS and rng.random() < relabel:
        return f"{rng.choice(_LABELS[label])}: {rest}"
    return line
