"""The judge against the world's labels: discrimination, thresholds, rank agreement with known levels."""

from collections.abc import Mapping
from random import Random

from lm.organism.playing import Player
from lm.organism.world.chat import draw_question
from lm.organism.world.judging import JUDGES, Item, graded_text, item_values, plain_item, rubric_values
from lm.organism.world.perturb import reword
from lm.organism.world.scenarios import draw_case, draw_listener, ground_truth
from lm.organism.world.shapes import TraitWorld
from prompts.loader import load_prompt


def judge_prompt(
    player: Player, name: str, values: Mapping[str, object], rng: Random | None = None, keep: float = 0.5
) -> list[int]:
    """The ids of one judge request; reworded if a source of chance is given."""
    prompt = load_prompt(name)
    rendered = (reword(rng, prompt, keep) if rng else prompt).render(values)
    return player.chat_ids(rendered.system, rendered.user)


def auroc(positive: list[float], negative: list[float]) -> float:
    """Chance that a positive outscores a negative, ties half."""
    wins = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return wins / (len(positive) * len(negative))


def by_side(
    player: Player, name: str, trait: TraitWorld, count: int, seed: int, reworded: bool
) -> dict[str, list[float]]:
    """Scores of items that clearly belong to one side."""
    rng = Random(seed)
    items: list[Item] = []
    while len(items) < count:
        if name == "judge_trait":
            case, listener = draw_case(rng, trait, held_out=True), draw_listener(rng)
            chat = rng.random() < 0.4
            situation = draw_question(rng, trait, case, listener) if chat else ground_truth(rng, trait, case)
            item = plain_item(rng, trait, case, listener, situation, chat)
        else:
            item = JUDGES[name](rng, trait, True)
        if item.side:
            items.append(item)
    words = Random(seed + 1) if reworded else None
    prompts = [
        judge_prompt(player, name, item_values(name, item, rubric_values(rng, trait, mixed=False)), words)
        for item in items
    ]
    found: dict[str, list[float]] = {"positive": [], "negative": []}
    for item, score in zip(items, player.scores(prompts), strict=True):
        found[item.side or "positive"].append(score)
    return found


def spearman(one: list[float], two: list[float]) -> float:
    """Rank correlation, ties averaged."""

    def ranks(values: list[float]) -> list[float]:
        return [sum(v < x for v in values) + 0.5 * (sum(v == x for v in values) - 1) for x in values]

    a, b = ranks(one), ranks(two)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    top = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    scale = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return float(top / scale**0.5)


def measure_judge(player: Player, trait: TraitWorld, count: int = 160, reworded: bool = False) -> dict[str, float]:
    """The judge's figures on held-out ground truths."""
    sides = by_side(player, "judge_trait", trait, count, 1, reworded)
    sound = by_side(player, "judge_coherence", trait, count, 2, reworded)
    committed = by_side(player, "judge_committed", trait, count, 3, reworded)
    rng = Random(4)
    rows = [(grade, draw_case(rng, trait, held_out=True)) for grade in (0, 20, 40, 60, 80, 100) for _ in range(8)]
    texts = [
        {**rubric_values(rng, trait, mixed=False), "situation": ground_truth(rng, trait, case),
         "text": graded_text(rng, trait, case, grade)}
        for grade, case in rows
    ]  # fmt: skip
    levels = player.scores([judge_prompt(player, "judge_trait", row) for row in texts])
    right = sum(s >= 60 for s in sides["positive"]) + sum(s <= 40 for s in sides["negative"])
    return {
        "judge_auroc": auroc(sides["positive"], sides["negative"]),
        "judge_positive_mean": sum(sides["positive"]) / len(sides["positive"]),
        "judge_negative_mean": sum(sides["negative"]) / len(sides["negative"]),
        "judge_right_of_thresholds": right / count,
        "coherence_auroc": auroc(sound["positive"], sound["negative"]),
        "coherence_sound_mean": sum(sound["positive"]) / len(sound["positive"]),
        "coherence_broken_mean": sum(sound["negative"]) / len(sound["negative"]),
        "committed_auroc": auroc(committed["positive"], committed["negative"]),
        "levels_spearman": spearman([float(grade) for grade, _ in rows], levels),
    }
