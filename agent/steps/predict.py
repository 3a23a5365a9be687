"""Step 4: predict every completion before it is run."""

from collections.abc import Sequence

from agent.decisions import CompletionPrediction
from agent.records import PredictionRecord
from agent.spec import Spec
from agent.steps.authoring import ask_author
from extract.trait import SIDES, Pair, Prediction, Side, Trait
from lm import Model


async def predict_completions(
    author: Model, spec: Spec, trait: Trait, pairs: Sequence[Pair]
) -> dict[str, PredictionRecord]:
    """The author's prediction of both sides of each pair; a side it gave no usable answer for is absent."""
    asked = [(pair, side) for pair in pairs for side in SIDES]
    values = [
        {
            "trait": trait.label,
            "high": trait.rubric.high,
            "low": trait.rubric.low,
            "key": trait.rubric.key,
            "side": side,
            "scenario": pair.scenario(side),
        }
        for pair, side in asked
    ]
    answers = await ask_author(
        author, spec, "predict_completion", values, CompletionPrediction, keys=[f"{p.id}/{side}" for p, side in asked]
    )
    predictions: dict[str, dict[Side, Prediction]] = {pair.id: {} for pair in pairs}
    for (pair, side), answer in zip(asked, answers, strict=True):
        if isinstance(answer, CompletionPrediction):
            predictions[pair.id][side] = Prediction(
                completion=answer.completion, probability=answer.percent / 100, express=answer.express
            )
    return {id_: PredictionRecord(predictions=sides) for id_, sides in predictions.items()}
