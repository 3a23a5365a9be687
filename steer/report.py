"""What an evaluation found, as values: everything a page or validation.json shows."""

from lm.types import Value

Interval = tuple[float, float]


class Cell(Value):
    """One layer and strength, tried on the choosing questions."""

    layer: int
    strength: float
    """Multiples of the layer's activation norm; negative where the trait is to be lowered."""
    score: float | None
    """Mean trait score, 0-100; None where too few answers could be scored."""
    coherence: float | None
    n: int
    unscored: int
    coherence_error: float | None = None
    """Standard error of the mean coherence; None for fewer than two scored answers."""

    @property
    def status(self) -> str:
        """'scored', or 'unscored' where the search stopped for want of marks."""
        return "scored" if self.score is not None and self.coherence is not None else "unscored"


class Outcome(Value):
    """One setting on the confirming questions, beside other answers to the same questions."""

    name: str
    """What was done, in words."""
    layer: int
    strength: float
    score: float | None
    coherence: float | None
    delta: float | None
    """Mean paired difference to the answers it is compared with."""
    delta_ci95: Interval | None
    n: int
    """Questions where both answers are scored."""
    unscored: int


class Baseline(Value):
    """The unsteered assistant on all questions."""

    mean: float | None
    ci95: Interval | None
    coherence: float | None
    max_allowed: float
    n: int
    unscored: int

    @property
    def passed(self) -> bool:
        """Whether the mean is low enough for an effect to show."""
        return self.mean is not None and self.mean < self.max_allowed


class RandomControl(Value):
    """A random direction of the same norm, given the same search and confirmation."""

    seed: int
    grid: tuple[Cell, ...]
    outcome: Outcome | None
    """None where no cell of its search was coherent and scored."""


class Dose(Value):
    """One point of the dose-response curve, at the chosen layer, on the confirming questions."""

    strength: float
    score: float | None
    score_ci95: Interval | None
    coherence: float | None
    n: int
    unscored: int


class Example(Value):
    """One answer at one strength."""

    question: str
    strength: float
    answer: str
    trait: float | None
    coherence: float | None


class OtherScore(Value):
    """Another trait's score of the same answers, unsteered and with the chosen push."""

    trait: str
    before: float | None
    after: float | None
    delta: float | None
    """Mean paired difference."""
    delta_ci95: Interval | None
    n: int
    """Questions where both answers are scored."""


class SideEffects(Value):
    """What a push does besides. Before: unsteered. After: with the chosen push."""

    perplexity_before: float | None
    """On the texts given; None without texts."""
    perplexity_after: float | None
    n_texts: int
    repetition_before: float
    """Share of an answer's three-word sequences that it has said before, mean over answers."""
    repetition_after: float
    refusals_before: float | None = None
    """Share of answers that are refusals; None where they were not looked for."""
    refusals_after: float | None = None
    other_scores: tuple[OtherScore, ...] = ()


class SteeringReport(Value):
    """An evaluation of one set of directions."""

    trait: str
    subject: str
    """Model whose activations gave the directions."""
    assistant: str
    """Model that was steered."""
    position: str
    method: str
    wanted: int
    """1 where the trait is to rise, -1 where it is to fall."""
    min_coherence: float
    choosing: tuple[str, ...]
    confirming: tuple[str, ...]
    baseline: Baseline
    grid: tuple[Cell, ...]
    chosen: Outcome | None
    """Best cell of the grid, confirmed; None where no cell was coherent and scored."""
    chosen_on: Cell | None = None
    """The same cell on the questions that chose it: a maximum over many tries, flattering."""
    random_controls: tuple[RandomControl, ...]
    controls: tuple[Outcome, ...]
    """Opposite sign; the natural questions without a push, and with the opposite one; plain prompting if tried."""
    other_traits: tuple[Outcome, ...] = ()
    """Directions of other traits, given the same search and confirmation; without those that have no coherent cell."""
    dose_response: tuple[Dose, ...]
    examples: tuple[Example, ...]
    side_effects: SideEffects | None = None
    """Of the chosen push, on the confirming questions; None where nothing was chosen."""

    @property
    def random_control_delta(self) -> float | None:
        """Largest confirmed effect of a random direction, in the wanted direction; None where none was measured."""
        return self.largest_random.delta if self.largest_random else None

    @property
    def largest_random(self) -> Outcome | None:
        """The random direction that moved the trait furthest the wanted way; None where none was measured."""
        return max(self._randoms, key=lambda outcome: self.wanted * (outcome.delta or 0.0), default=None)

    @property
    def n_random(self) -> int:
        """Random directions whose effect was measured: all but those without a coherent and scored cell."""
        return len(self._randoms)

    @property
    def control_bound(self) -> float | None:
        """The effect, with its sign, that one random direction in twenty would exceed; None for fewer than two."""
        from steer.chance import upper_bound

        bound = upper_bound([self.wanted * (outcome.delta or 0.0) for outcome in self._randoms])
        return None if bound is None else self.wanted * bound

    @property
    def beyond_control(self) -> bool:
        """Whether the confirmed effect excludes none, and exceeds what one random direction in twenty would reach."""
        if self.chosen is None or self.chosen.delta is None or self.chosen.delta_ci95 is None:
            return False
        bound = self.control_bound
        if bound is None:
            return False
        least = min(self.wanted * end for end in self.chosen.delta_ci95)
        return least > 0 and self.wanted * self.chosen.delta > self.wanted * bound

    @property
    def coherent(self) -> bool:
        """Whether the confirmed answers are still coherent enough."""
        return bool(self.chosen and self.chosen.coherence is not None and self.chosen.coherence >= self.min_coherence)

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.chosen is None or self.chosen.delta is None:
            return self._why_nothing_was_chosen()
        figures = f"{_moved(self.chosen)} at {self._coherence(self.chosen)}; {self._beside()}"
        name = self.trait.rpartition("/")[2].replace("_", " ") or "the trait"
        return f"moves {name} by {figures}" if self.beyond_control else f"no effect beyond control: {figures}"

    @property
    def _randoms(self) -> list[Outcome]:
        """Random directions that were measured."""
        outcomes = [control.outcome for control in self.random_controls if control.outcome]
        return [outcome for outcome in outcomes if outcome.delta is not None]

    def _coherence(self, outcome: Outcome) -> str:
        if outcome.coherence is None:
            return "unscored coherence"
        short = "" if self.coherent else f" (below {self.min_coherence:.0f})"
        return f"coherence {outcome.coherence:.0f}{short}"

    def _beside(self) -> str:
        """The random directions in words."""
        if self.largest_random is None:
            return "no random direction measured"
        if self.control_bound is None:
            return f"only one random direction measured, {_moved(self.largest_random)}"
        return (
            f"by chance up to {self.control_bound:+.0f} "
            f"(largest of {self.n_random} random directions {_moved(self.largest_random)})"
        )

    def _why_nothing_was_chosen(self) -> str:
        if all(cell.status == "unscored" for cell in self.grid) or self.chosen is not None:
            return "no setting could be measured: too few answers were scored"
        unsteered = self.baseline.coherence
        beside = "" if unsteered is None else f" (unsteered answers: {unsteered:.0f})"
        return f"no strength kept coherence at {self.min_coherence:.0f}{beside}"

    def summary(self) -> dict[str, object]:
        """The 'steering' entry of validation.json."""
        chosen = self.chosen
        return {
            "layer": chosen.layer if chosen else None,
            "strength": chosen.strength if chosen else None,
            "score": chosen.score if chosen else None,
            "coherence": chosen.coherence if chosen else None,
            "delta": chosen.delta if chosen else None,
            "delta_ci95": chosen.delta_ci95 if chosen else None,
            "random_control_delta": self.random_control_delta,
            "random_controls": self.n_random,
            "control_bound": self.control_bound,
            "n_questions": chosen.n if chosen else 0,
            "unscored": chosen.unscored if chosen else 0,
            "verdict": self.verdict,
        }


def _moved(outcome: Outcome) -> str:
    """An effect with its interval."""
    interval = outcome.delta_ci95
    return f"{outcome.delta or 0:+.0f}" + (f" [{interval[0]:+.0f}, {interval[1]:+.0f}]" if interval else "")
