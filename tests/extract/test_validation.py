"""Evidence on made-up activations where the truth is known."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch

from extract.activations import PairActivations
from extract.confounds import cross_trait, find_warnings, length_direction, measure_cosines
from extract.digests import digest_pairs
from extract.methods.mean_difference import mean_difference
from extract.models import LoadedModel
from extract.pipeline import fit_reading, provenance_of
from extract.plots import plot_auroc, plot_curve, plot_matrix, plot_projections
from extract.positions import Position
from extract.quality import auroc
from extract.tables import directions_table, matrix_table
from extract.trait import Pair
from extract.validation import null_of_swaps, validate
from extract.vectors import Directions
from lm.errors import UserError

LAYERS, WIDTH = 3, 16


def made_up(shift: float, *, pairs: int = 60, seed: int = 0, towards: int = 0) -> PairActivations:
    """Activations whose sides lie `shift` apart at layer 1 and nowhere else; noise of 1 a coordinate."""
    generator = torch.Generator().manual_seed(seed)
    sides = torch.randn(LAYERS, 2 * pairs, WIDTH, generator=generator)
    sides[1, 0::2, towards] += shift
    norm = torch.full((pairs, LAYERS), 4.0)
    return PairActivations(Position.parse("response[:5]"), "residual", (0, 1, 2), sides, norm, tuple(range(pairs)), 0)


def plain_pairs(count: int = 60) -> list[Pair]:
    return [
        Pair(id=f"p{n}", ground_truth=f"fact {n // 2}", positive="one two", negative="one two", lock_in="speech")
        for n in range(count)
    ]


GROUPS = [f"fact {n // 2}" for n in range(60)]


@pytest.fixture
def found(llama: LoadedModel) -> Directions:
    pairs = plain_pairs()
    about = provenance_of(llama, digest_pairs(pairs), trait="category/name", seed=0)
    fits = {"mean_difference": mean_difference}
    [directions] = fit_reading(made_up(3.0), pairs, fits, about, held_out=0.3, evidence=True)
    return directions


def test_a_real_difference_is_found_at_its_layer() -> None:
    evidence = validate(made_up(3.0), GROUPS, mean_difference)
    assert evidence is not None
    assert (evidence.best_layer, evidence.folds, evidence.ground_truths) == (1, 5, 30)
    assert evidence.best.auroc > 0.95
    assert evidence.p_value < 0.02
    assert evidence.best.stability > 0.8
    assert [point.pairs for point in evidence.curve] == sorted(point.pairs for point in evidence.curve)
    assert evidence.curve[-1].cosine == 1
    assert evidence.layers[0].auroc < 0.65
    assert evidence.layers[0].ci95[0] <= evidence.layers[0].auroc <= evidence.layers[0].ci95[1]


def test_p_values_of_nothing_are_spread_out() -> None:
    values = []
    for seed in range(12):
        evidence = validate(made_up(0.0, seed=seed), GROUPS, mean_difference)
        assert evidence is not None
        values.append(evidence.p_value)
    assert sum(value <= 0.05 for value in values) <= 3
    assert max(values) > 0.3


def test_too_few_ground_truths_are_no_evidence() -> None:
    assert validate(made_up(3.0, pairs=6), ["a", "a", "b", "b", "c", "c"], mean_difference) is None


def test_nothing_is_warned_of_in_words(found: Directions) -> None:
    assert found.provenance.warnings == ()
    noise = made_up(0.0, seed=3)
    evidence = validate(noise, GROUPS, mean_difference)
    assert evidence is not None
    unlucky = evidence.model_copy(update={"p_value": 0.4})
    warnings = " ".join(find_warnings(found, noise, plain_pairs(), unlucky))
    assert "chance does as well" in warnings
    assert "more pairs are needed" in warnings


def test_vocabulary_that_separates_is_warned_of() -> None:
    reading = made_up(0.0)
    reading.sides[0, 0::2, 4] += 4
    pairs = [pair.model_copy(update={"positive": "one bad", "negative": "one good"}) for pair in plain_pairs()]
    evidence = validate(reading, GROUPS, mean_difference)
    directions = Directions.of(reading.positive.mean(dim=0) - reading.negative.mean(dim=0), (0, 1, 2))
    [warning] = [w for w in find_warnings(directions, reading, pairs, evidence) if "bag of words" in w]
    assert "vocabulary, not behaviour" in warning


def test_length_is_warned_of() -> None:
    reading = made_up(0.0)
    lengths = torch.arange(60.0) % 7
    pairs = [
        pair.model_copy(update={"positive": "x" * int(4 + n), "negative": "x" * int(1 + n)})
        for pair, n in zip(plain_pairs(), lengths, strict=True)
    ]
    for place, extra in ((0, 3), (1, 0)):
        reading.sides[1, place::2, 9] += 3 * (lengths + extra)
    along = length_direction(reading, pairs, 1)
    assert float(along[9]) > 0.95
    directions = Directions.of(reading.positive.mean(dim=0) - reading.negative.mean(dim=0), (0, 1, 2))
    refusal = directions.direction.roll(1, dims=1)
    measured = measure_cosines(directions, reading, pairs, refusal)
    assert measured.length[1] > 0.95
    assert measured.refusal is not None
    assert measured.refusal[1] == pytest.approx(float(directions.direction[1] @ refusal[1]), abs=1e-6)
    told = directions.provenance.model_copy(update={"cosines": measured})
    warning, unmeasured = find_warnings(replace(directions, provenance=told), reading, pairs, None)
    assert unmeasured.startswith("fewer than four ground truths")
    assert warning == f"at layer 1 it lies along the scenarios' length (cosine {measured.length[1]:.2f})"


def test_each_direction_separates_its_own_trait_only(llama: LoadedModel) -> None:
    pairs = plain_pairs()
    readings = {"a/one": made_up(3.0, towards=0), "a/two": made_up(3.0, towards=5, seed=1)}
    named = {}
    for name, reading in readings.items():
        about = provenance_of(llama, digest_pairs(pairs), trait=name, seed=0)
        [named[name]] = fit_reading(reading, pairs, {"m": mean_difference}, about, held_out=0.3, evidence=False)
    table = cross_trait(named, readings)
    assert table.diagonal().min() > 0.95
    assert table[0, 1] == pytest.approx(0.5, abs=0.2)
    assert "one" in matrix_table(list(named), table)
    with pytest.raises(UserError, match="directions of a/two, but no activations"):
        cross_trait(named, {"a/one": readings["a/one"]})


def test_the_table_tells_what_was_found(found: Directions) -> None:
    lines = directions_table(found).splitlines()
    assert "category/name" in lines[0]
    assert lines[1].split()[0] == "layer"
    assert lines[3].split()[0] == "1*"
    assert "chance: AUROC" in lines[5]
    assert len({len(line.rstrip()) for line in lines[2:5]}) == 1


def test_some_layers_keep_their_own_figures(found: Directions) -> None:
    some = found.at([2, 0])
    assert some.best_layer in (0, 2)
    assert f"at layer {some.best_layer}," not in repr(found)
    assert repr(some).endswith(f"at layer {some.best_layer})")
    measured, kept = found.provenance.cosines, some.provenance.cosines
    assert measured is not None
    assert kept is not None
    assert kept.length == (measured.length[2], measured.length[0])
    assert [line.split()[0].rstrip("*") for line in some.table().splitlines()[2:4]] == ["2", "0"]


def test_figures_are_drawn(found: Directions) -> None:
    reading = made_up(3.0)
    for figure in (
        plot_auroc([found]),
        plot_projections(found[1], reading),
        plot_curve(found),
        plot_matrix(["a", "b"], torch.eye(2), title="t"),
    ):
        assert figure.axes[0].has_data()
        figure.savefig(io.BytesIO())


def test_the_null_is_what_swapping_and_measuring_again_gives() -> None:
    reading = made_up(1.0, pairs=20)
    positive, negative = (torch.stack([reading.at(row)[side][:, 0] for row in range(3)], 1) for side in (0, 1))
    groups = GROUPS[:20]
    found = null_of_swaps(positive, negative, groups, seed=3)
    swapped = np.random.default_rng(3).integers(2, size=(len(found), 10))
    names = sorted(set(groups))
    for draw in (0, 7, 199):
        swap = torch.tensor([bool(swapped[draw, names.index(group)]) for group in groups])[:, None]
        above, below = torch.where(swap, negative, positive), torch.where(swap, positive, negative)
        best = max(auroc(above[:, row].double().numpy(), below[:, row].double().numpy()) for row in range(3))
        assert found[draw] == pytest.approx(best)
