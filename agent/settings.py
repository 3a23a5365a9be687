"""Every number of the method in one place. The source of each default is named beside it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from extract.lint.sets import SetLimits

Whole = Annotated[int, Strict()]
"""A whole number that is written as one: `true` in a file is no 1."""
Number = Annotated[float, Strict()]
"""A number, whole or not, that is written as one."""


class Settings(BaseModel):
    """Thresholds, sizes and limits of a run; frozen, and written to run.json as used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive_min: Number = 60
    """A positive side passes at this mean score or above (trait guide, step 4)."""
    negative_max: Number = 40
    """A negative side passes at this mean score or below (trait guide, step 4)."""
    first_batch: Whole = Field(default=10, ge=1)
    """Pairs drafted in the first round (trait guide, step 2: 5-10)."""
    chunk: Whole = Field(default=20, ge=1)
    """Pairs drafted in a later round (trait guide, step 3: 15-20)."""
    scale_chunk: Whole = Field(default=40, ge=1)
    """Pairs drafted in a round once a round has passed well: variations of what works."""
    redraft_share: Number = Field(default=0.3, ge=0, le=1)
    """Largest share of a batch that redrafts failed pairs; the rest explores its cells."""
    samples: Whole = Field(default=4, ge=1)
    """Completions per side."""
    judge_context: Literal["ground_truth", "none"] = "ground_truth"
    """What the judge knows beside a completion; never the motivation or the lock-in (METHOD, step 6)."""
    scenario_tokens: Whole = Field(default=16, ge=1)
    """New tokens per scenario completion (METHOD, step 6)."""
    subject_temperature: Number = Field(default=0.7, ge=0)
    author_temperature: Number = Field(default=0.7, ge=0)
    author_tokens: Whole = Field(default=320, ge=16)
    """Longest answer of the author."""
    author_room: Whole = Field(default=120, ge=16)
    """Tokens left for the author's answer in a small context before optional blocks of a prompt are dropped."""
    calibration_levels: tuple[Whole, ...] = (0, 5, 10, 20, 30, 40, 60, 70, 80, 90, 95, 100)
    """Levels at which the author writes texts for the judge to score blind."""
    calibration_temperature: Number = Field(default=0.3, ge=0)
    """Calibration texts are written cooler than pairs: each should be typical of its level."""
    calibration_spearman: Number = 0.8
    """Rank agreement the rubric needs, on at least twelve texts (METHOD, step 1)."""
    calibration_tries: Whole = Field(default=3, ge=1)
    yield_floor: Number = 0.7
    """Below this yield for `patience` rounds the approach changes (trait guide, step 7)."""
    patience: Whole = Field(default=3, ge=1)
    pass_rate: Number = 0.9
    """Share of accepted pairs that must pass a fresh test (trait guide, step 4)."""
    express_rate: Number = 0.9
    """Share of accepted pairs whose first tokens must be the behaviour (trait guide, step 5)."""
    committed_max: Number = 50
    """A beginning the judge scores at or above this has already performed the act: EXPLAIN. Measured on the organism's
    labels: open endings score 11 at most, begun acts 91 at least (98 % of each); the best cut, chosen on half of the
    ground truths, was 51 and right on all 84 pairs of the other half (benchmarks/first_tokens.py, RESULTS.md)."""
    divergence_min: Number = 0.05
    """Jensen-Shannon divergence of the sides' next tokens, in bits, from which they are told apart. It says nothing of
    EXPLAIN (begun acts diverge most of all); sound pairs of the organism have 0.29 or more (98 %)."""
    deleted_tokens: Whole = 5
    """Tokens removed by the delete test (trait guide, step 5)."""
    skeleton_cap: Number = 0.2
    """Largest share of one lock-in skeleton (trait guide, checklist)."""
    domain_cap: Number = 0.25
    """Largest share of one domain (trait guide, checklist)."""
    lock_in_cap: Number = 0.4
    """Largest share of one lock-in type (METHOD, section 4)."""
    fewest_pairs: Whole = 50
    """Fewest pairs that make a dataset (trait guide, deliverables)."""
    questions: Whole = Field(default=20, ge=4)
    """Steering questions: half choose, half confirm (METHOD, step 12)."""
    baseline_max: Number = 30
    """Mean trait score without steering must lie below this (trait guide, validation)."""
    question_max: Number = 50
    """A question that alone scores above this triggers the trait by itself and is replaced."""
    moves_min: Number = Field(default=10, ge=0)
    """Points by which an instruction to show the trait must raise the baseline under a prefix that is kept."""
    prefix_candidates: Whole = Field(default=6, ge=1)
    answer_tokens: Whole = Field(default=48, ge=1)
    """New tokens per steering answer."""
    coherence_min: Number = 70
    """Coherence a steered answer must keep (steering notes)."""
    pushed_tokens: Literal["all", "generated", "prompt"] = "all"
    """Tokens of the conversation that are pushed; all of them, as when a model is steered during plain generation."""
    strength_max: Number = Field(default=1.5, gt=0)
    """Strongest push searched, in multiples of the layer's activation norm. The search stops at the cliff of coherence,
    typically at 1.15 (METHOD, section 6); models that were trained under pushes stand more."""
    random_controls: Whole = Field(default=5, ge=2)
    """Random directions that are given the same search as the trait's: what a claim must exceed. With 19 the bound
    holds whatever the distribution of their effects (see `steer.chance`)."""
    position: str = "response[:5]"
    """Tokens that directions are read from; the default for base models (METHOD, section 5)."""
    methods: tuple[str, ...] = ("mean_difference", "logistic_probe")

    @property
    def set_limits(self) -> SetLimits:
        """Where the lints of a whole set begin to speak."""
        return SetLimits(
            fewest=self.fewest_pairs, lock_in=self.lock_in_cap, domain=self.domain_cap, skeleton=self.skeleton_cap
        )
