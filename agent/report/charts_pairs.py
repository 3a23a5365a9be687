"""Charts about the pairs: calibration, yield, fresh pass rate, scores, failures, predictions, cost."""

from collections.abc import Sequence

from agent.records import Calibration
from agent.report.costs import CostsView
from agent.report.failures import FailureClass
from agent.report.numbers import count, label, percent, percents, plain, score, seconds
from agent.report.overview import TestView
from agent.report.pairs import PredictionsView
from agent.report.rounds import FATES, RoundView, ScoreView
from agent.report.svg import WIDTH, Drawing, Frame, Key, round_up
from agent.settings import Settings

SCALE = (0, 20, 40, 60, 80, 100)


def draw_calibration(tried: Calibration, settings: Settings) -> Drawing:
    """Level a text was written at against the score that the judge gave it."""
    rows = [row for row in tried.rows if row.score is not None]
    frame = Frame(
        f"Judge's score against the level the text was written at, {len(rows)} scored texts", (0, 100), (0, 100), 300
    )
    frame.ticks_y(SCALE)
    frame.ticks_x(SCALE)
    frame.line([(0, 0), (100, 100)], "diagonal")
    frame.level(settings.positive_min, f"HIGH from {plain(settings.positive_min)}", "threshold")
    frame.level(settings.negative_max, f"LOW up to {plain(settings.negative_max)}", "threshold", below=True)
    for row in rows:
        assert row.score is not None
        frame.dot(row.level, row.score, "mark one", f"written at {row.level}, scored {score(row.score)}")
    frame.name_axes("level the text was written at", "judge's score")
    return frame.drawing(Key("circle", "mark one", "one text"), Key("line", "diagonal", "perfect agreement"))


def draw_rounds(rounds: Sequence[RoundView], settings: Settings) -> Drawing:
    """Where each round's pairs went; the yield stands above each bar."""
    top, steps = round_up(max(view.drafted for view in rounds))
    frame = Frame(
        "Pairs by round and fate: "
        + "; ".join(f"round {view.number}, {view.fates['passed']} of {view.drafted} pass" for view in rounds),
        (0.4, len(rounds) + 0.6),
        (0, top),
        300,
        top=34,
    )
    frame.ticks_y(steps)
    every = -(-len(rounds) // 12)
    for place, view in enumerate(rounds, start=1):
        below = 0
        for fate in FATES:
            if number := view.fates[fate]:
                frame.bar(
                    (place - 0.34, place + 0.34),
                    (below, below + number),
                    f"fate{FATES.index(fate)}",
                    f"round {view.number}: {number} {fate}",
                )
                below += number
        if (place - 1) % every == 0:
            frame.write(frame.x.at(place), frame.height - frame.bottom + 18, str(view.number))
        if view.record is not None and len(rounds) <= 12:
            share = view.record.yield_
            words = ("" if share >= settings.yield_floor else "↓ ") + percent(round(share, 2))
            frame.write(frame.x.at(place), frame.y.at(view.drafted) - 7, words, "value")
    frame.name_axes("round", "pairs drafted")
    used = [fate for fate in FATES if any(view.fates[fate] for view in rounds)]
    return frame.drawing(*(Key("rect", f"fate{FATES.index(fate)}", fate) for fate in used))


def draw_tests(tests: Sequence[TestView], settings: Settings) -> Drawing:
    """Fresh pass rate and express rate of each fresh test, with their intervals."""
    rows = [
        (f"{name}, test {test.number}", rate, bounds, passed, test.pairs, class_)
        for test in tests
        for name, rate, bounds, passed, class_ in (
            ("pass", test.pass_rate, test.pass_ci95, test.passed, "one"),
            ("express", test.express_rate, test.express_ci95, test.express, "two"),
        )
    ]
    low = min(0.5, *(int(10 * bounds[0]) / 10 for _, _, bounds, _, _, _ in rows))
    frame = Frame(
        "Fresh tests: " + "; ".join(f"{name}: {passed} of {pairs}" for name, _, _, passed, pairs, _ in rows),
        (low, 1.0),
        (0, len(rows)),
        70 + 38 * len(rows),
        left=112,
        right=20,
        top=26,
    )
    frame.ticks_x([low + (1 - low) * step / 5 for step in range(6)], lambda share: percent(round(share, 3)), grid=True)
    gates = {settings.pass_rate: "gate"}
    for gate in gates:
        frame.upright(gate, f"gate {percent(gate)}")
    for place, (name, rate, bounds, passed, pairs, class_) in enumerate(rows):
        at = len(rows) - place - 0.5
        frame.line([(bounds[0], at), (bounds[1], at)], f"whisker {class_}")
        frame.dot(rate, at, f"mark {class_}", f"{name}: {passed} of {pairs}, {percent(rate)} {percents(bounds)}", 6)
        frame.write(frame.left - 10, frame.y.at(at) - 2, name, "tick strong", "end")
        frame.write(frame.left - 10, frame.y.at(at) + 13, f"{passed} of {pairs}", "note", "end")
    frame.name_axes("share of pairs, with 95 % Wilson interval")
    return frame.drawing()


def draw_scores(scores: ScoreView, settings: Settings) -> Drawing:
    """Histogram of mean scores: positive sides upwards, negative sides downwards."""
    width = 5
    counts = {
        side: [sum(min(int(value // width), 19) == slot for value in values) for slot in range(100 // width)]
        for side, values in scores.values.items()
    }
    most, steps = round_up(max(1, *(max(row) for row in counts.values())))
    frame = Frame(
        f"Scores of {scores.source}: positive sides upwards, negative sides downwards",
        (0, 100),
        (-most, most),
        280,
        top=26,
    )
    frame.ticks_y([*(-step for step in steps[1:]), *steps], lambda value: plain(abs(value)))
    frame.ticks_x(SCALE)
    for side, sign in (("positive", 1), ("negative", -1)):
        for slot, number in enumerate(counts["positive" if side == "positive" else "negative"]):
            if number:
                bounds = (slot * width + 0.4, (slot + 1) * width - 0.4)
                tip = f"{number} {side} sides score {slot * width}–{(slot + 1) * width}"
                frame.bar(bounds, (0, sign * number), f"fill {side}", tip)
    frame.upright(settings.negative_max, f"negative ≤ {plain(settings.negative_max)}", "threshold", "end")
    frame.upright(settings.positive_min, f"positive ≥ {plain(settings.positive_min)}", "threshold", "start")
    frame.name_axes("mean score of a side", "pairs")
    return frame.drawing(Key("rect", "fill positive", "positive sides"), Key("rect", "fill negative", "negative sides"))


def draw_failures(classes: Sequence[FailureClass]) -> Drawing:
    """Number of failed pairs by class."""
    top, steps = round_up(max(found.count for found in classes))
    frame = Frame(
        "Failed pairs by class: " + ", ".join(f"{found.name} {found.count}" for found in classes),
        (0, top),
        (0, len(classes)),
        58 + 30 * len(classes),
        left=138,
        top=8,
        right=30,
    )
    frame.ticks_x(steps, grid=True)
    for place, found in enumerate(classes):
        at = len(classes) - place - 0.5
        frame.bar((0, found.count), (at - 0.32, at + 0.32), "fill missed", f"{found.count} pairs: {found.name}")
        frame.write(frame.left - 10, frame.y.at(at) + 4, found.name, "tick strong", "end")
        frame.write(frame.x.at(found.count) + 7, frame.y.at(at) + 4, str(found.count), "value", "start")
    frame.name_axes("pairs")
    return frame.drawing()


def draw_predictions(view: PredictionsView) -> Drawing:
    """Predicted probability against the share that came true."""
    frame = Frame(
        "Author's predictions: predicted probability against the share that came true", (0, 1), (0, 1), 280, left=66
    )
    shares = [step / 5 for step in range(6)]
    frame.ticks_y(shares, percent)
    frame.ticks_x(shares, percent)
    frame.line([(0, 0), (1, 1)], "diagonal")
    for held in view.bins:
        tip = f"predicted {percent(round(held.mean, 3))} on average: {held.came_true} of {held.n} came true"
        frame.dot(held.mean, held.share, "mark one", tip, 4 + 8 * (held.n / view.n) ** 0.5)
    frame.name_axes("predicted probability", "share that came true")
    return frame.drawing(
        Key("circle", "mark one", "predictions of like probability; area by number"),
        Key("line", "diagonal", "perfect foresight"),
    )


def draw_costs(costs: CostsView) -> Drawing:
    """Seconds by step, split by role."""
    steps = costs.steps
    longest = max(sum(costs.spent(step, role) for role in costs.roles) for step in steps)
    top, ticks = round_up(max(longest, 0.001)) if longest >= 1 else (1.0, [0, 0.25, 0.5, 0.75, 1.0])
    frame = Frame(
        f"Seconds by step and role, {count(round(costs.seconds))} in all",
        (0, top),
        (0, len(steps)),
        58 + 26 * len(steps),
        left=168,
        top=8,
        right=52,
    )
    frame.ticks_x(ticks, lambda value: plain(value, 2), grid=True)
    for place, step in enumerate(steps):
        at, begun = len(steps) - place - 0.5, 0.0
        for role in costs.roles:
            if spent := costs.spent(step, role):
                name = f"fill role{costs.roles.index(role)}"
                frame.bar(
                    (begun, begun + spent), (at - 0.32, at + 0.32), name, f"{role}, {label(step)}: {seconds(spent)}"
                )
                begun += spent
        frame.write(frame.left - 10, frame.y.at(at) + 4, label(step) or "between steps", "tick strong", "end")
        frame.write(min(frame.x.at(begun) + 6, WIDTH - 4), frame.y.at(at) + 4, seconds(begun), "note", "start")
    frame.name_axes("seconds")
    return frame.drawing(*(Key("rect", f"fill role{place}", role) for place, role in enumerate(costs.roles)))
