"""The parts under the page: numbers, axes, colours, pairs and predictions."""

import pytest

from agent.records import Draft, DraftFailure, RoundRecord
from agent.report.charts_directions import scale_colour
from agent.report.failures import view_failures
from agent.report.numbers import count, interval, percent, percents, plain, score, seconds, signed, visible
from agent.report.pairs import shared_beginning, side_passes, view_pairs, view_predictions, view_sample
from agent.report.rounds import view_rounds
from agent.report.svg import Axis, element, round_up
from agent.settings import Settings
from extract.trait import Sample
from lm.verdicts import Score, Unscored
from tests.agent.report.report_rounds import fill_rounds
from tests.agent.report.report_runs import open_folder


def test_numbers_are_written_for_people():
    assert [plain(value) for value in (3.0, 3.25, -0.04, -2.5, 100.0)] == ["3", "3.2", "0", "−2.5", "100"]
    assert [signed(value) for value in (61.9, -3.0, 0.0, None)] == ["+61.9", "−3", "+0", "unscored"]
    assert score(None) == "unscored" and score(0.0) == "0"
    assert percent(0.896).startswith("89.6"), "a share below its gate must not be rounded up to it"
    assert percents((0.863, 0.983)) == "86.3–98.3\N{NO-BREAK SPACE}%" and percents(None) == "no interval"
    assert interval((-1.0, 2.5), sign=True) == "[−1,\N{NO-BREAK SPACE}+2.5]"
    assert [seconds(value) for value in (0.034, 12.0, 249.0, 7380.0)] == ["0.03 s", "12 s", "4 min 09 s", "2 h 03 min"]
    assert count(610_000) == "610\N{NARROW NO-BREAK SPACE}000"


def test_what_cannot_be_seen_is_made_visible():
    assert visible("a\x00\x1b\x7f\x85\u202e\ud800\n\t") == "a␀␛␡[U+0085][U+202E]\N{REPLACEMENT CHARACTER}\n\t"


def test_svg_elements_are_escaped():
    assert (
        element("text", "<b>", class_="a", aria_label='"&')
        == '<text class="a" aria-label="&#34;&amp;">&lt;b&gt;</text>'
    )


@pytest.mark.parametrize("value", [1, 2, 4, 5, 9, 10, 23, 40, 64, 150, 1234])
def test_axes_end_on_a_round_step(value):
    top, steps = round_up(value)
    assert steps[0] == 0 and steps[-1] == top >= value and 2 <= len(steps) <= 7
    assert top < 2.6 * value or value < 3


def test_an_axis_keeps_values_on_the_paper():
    axis = Axis(0, 10, 50, 150)
    assert [axis.at(value) for value in (0, 5, 10, 12, -3)] == [50, 100, 150, 150, 50]


def test_the_heat_map_grows_lighter_with_the_score():
    def lightness(value: float) -> float:
        colour = scale_colour(value)[0]
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    values = [lightness(step) for step in range(0, 101, 5)]
    assert values == sorted(values)


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("I know it. I like her.", "I know it. I lie here.", "I know it. I "),
        ("same text", "same text", "same text"),
        ("same text", "same text and more", "same text"),
        ("quite", "other", ""),
        ("presume", "present", ""),
    ],
)
def test_the_shared_beginning_ends_with_a_word(one, other, shared):
    assert shared_beginning(one, other) == shared


def test_a_completion_is_split_after_its_first_tokens():
    sample = Sample(text=" it is fine", opening=" it is", verdict=Score(value=81.0, mass=0.9, entropy=1.0))
    assert (view_sample(sample).opening, view_sample(sample).rest, view_sample(sample).score) == (
        " it is",
        " fine",
        81.0,
    )
    lost = view_sample(Sample(text="x", opening="y", verdict=Unscored(reason="a refusal")))
    assert (lost.opening, lost.rest, lost.score, lost.reason) == ("", "x", None, "a refusal")


def test_a_side_passes_at_its_threshold_and_never_unscored():
    settings = Settings()
    assert side_passes("positive", 60.0, settings) and side_passes("negative", 40.0, settings)
    assert not side_passes("positive", 59.9, settings) and not side_passes("negative", None, settings)


def test_every_drafted_pair_has_one_fate(tmp_path):
    _, journal = open_folder(tmp_path)
    fill_rounds(journal)
    rounds, records = view_rounds(journal), journal.all(RoundRecord)
    assert sum(view.drafted for view in rounds) == len(journal.all(Draft)) + len(journal.all(DraftFailure))
    for view in rounds:
        record = records[str(view.number)]
        assert (view.drafted, view.fates["passed"]) == (record.drafted, record.passed)
        assert view.fates["failed its test"] == sum(record.failures.values())


def test_predictions_are_scored_against_what_happened(tmp_path):
    _, journal = open_folder(tmp_path)
    fill_rounds(journal)
    pairs = view_pairs(journal, Settings()).every
    rows = [
        (s.prediction.probability, s.passed) for p in pairs for s in p.sides if s.prediction and s.score is not None
    ]
    view = view_predictions(pairs)
    assert view is not None and view.n == len(rows) == sum(held.n for held in view.bins)
    assert view.brier == pytest.approx(sum((p - came) ** 2 for p, came in rows) / len(rows))
    assert view_predictions(()) is None


def test_failures_are_counted_once_each(tmp_path):
    _, journal = open_folder(tmp_path)
    fill_rounds(journal)
    classes = view_failures(journal, view_pairs(journal, Settings()).every)
    assert sum(found.count for found in classes) == sum(
        sum(record.failures.values()) for record in journal.all(RoundRecord).values()
    )
    assert [found.count for found in classes] == sorted((found.count for found in classes), reverse=True)
    assert all(found.lessons and found.advice and found.examples for found in classes)
