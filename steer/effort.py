"""How many answers an evaluation has marked, before it is done: what it may cost where the judge is paid."""

from steer.evaluation import EvaluationSettings
from steer.report import Cell
from steer.strengths import SearchRule, next_strength


def answers_needed(layers: int, questions: int, settings: EvaluationSettings) -> tuple[int, int]:
    """Fewest and most answers of one evaluation over so many layers and questions.

    Fewest: every answer is scored and coherent, and every contender has a best cell; most: every lane takes all steps.
    """
    choosing, confirming = (questions + 1) // 2, questions // 2
    lanes = layers * (1 + len(settings.random_seeds))
    doses = {1.0, -1.0, *settings.doses} - {0.0}
    # Beside the doses: the best push of each random contender, and the natural questions without and with a push; where
    # several samples are drawn, also the unsteered answers, which are greedy otherwise and known from the baseline.
    tried = len(doses) + len(settings.random_seeds) + 2 + (settings.samples > 1)
    confirmed = tried * confirming * settings.samples
    fewest, most = (
        questions + lanes * steps * choosing + confirmed for steps in (_clean_steps(settings.rule), settings.rule.steps)
    )
    return min(fewest, most), most


def _clean_steps(rule: SearchRule) -> int:
    """Strengths tried in a lane that stays coherent up to the strongest push."""
    tried: list[Cell] = []
    while (size := next_strength(tried, rule)) is not None:
        tried.append(Cell(layer=0, strength=size, score=100.0, coherence=100.0, n=1, unscored=0))
    return len(tried)
