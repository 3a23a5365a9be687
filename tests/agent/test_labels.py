"""Agreement of judge and person: what counts as a label, the corrected rate against the truth, and the report."""

import random
from pathlib import Path

from agent.records import FinalDecision, ResultDecision, Trial
from agent.report.build import build_page, render
from agent.review.labels import FEWEST, corrected_rate, measure_agreement, read_labels
from agent.review.order import in_random_slice
from agent.spec import Spec
from agent.store import Journal
from tests.agent.report.report_runs import fill_definition, open_folder

SPEC = Spec(category="test", trait="holding_back")


def fill(journal: Journal, number: int, labelled: range, error: float, seed: int) -> float:
    """Tested pairs of which a share is misjudged, some of them labelled; the share that a person would approve."""
    rng = random.Random(seed)
    truths = 0
    for index in range(number):
        id_ = f"01-{index:03d}"
        good = rng.random() < 0.7
        passes = good != (rng.random() < error)
        truths += good
        scores = {"positive": 90.0 if passes else 20.0, "negative": 10.0}
        journal.append({id_: Trial(samples={}, scores=scores, unscored=0, passed=passes)})  # type: ignore[arg-type]
        if index in labelled:
            decision = ResultDecision(decision="approve" if good else "reject", reason="so", by="person")
            journal.append({id_: decision})
    return truths / number


def test_the_corrected_rate_holds_the_truth_where_the_judge_is_wrong(tmp_path: Path):
    held = 0
    for seed in range(20):
        journal = Journal(tmp_path / f"{seed}.sqlite")
        truth = fill(journal, 400, range(400), error=0.2, seed=seed)
        verdicts = [trial.passed for trial in journal.all(Trial).values()]
        drawn = [label for label in read_labels(journal, SPEC.model_copy(update={"seed": seed})) if label.drawn]
        journal.close()
        assert abs(len(drawn) - 100) < 40, "only the random slice corrects"
        found = corrected_rate(drawn, verdicts)
        assert found.ci95 is not None
        low, high = found.ci95
        held += low <= truth <= high
    assert held >= 17


def test_agreement_is_shown_from_twenty_labels_on(tmp_path: Path):
    folder, journal = open_folder(tmp_path)
    fill_definition(journal)
    spec = folder.read_info().spec
    fill(journal, 40, range(FEWEST - 1), error=0.1, seed=1)
    assert measure_agreement(journal, spec) is None
    page = render(build_page(folder, journal, []))
    assert 'id="agreement"' not in page and f"{FEWEST - 1} of the {FEWEST} tested pairs" in page
    journal.append({"01-030": ResultDecision(decision="reject", reason="so", by="all")})
    assert measure_agreement(journal, spec) is None, "what was decided for all that remained is no label"
    journal.append({"01-031": ResultDecision(decision="approve", by="person")})
    found = measure_agreement(journal, spec)
    assert found is not None and found.labels == FEWEST
    assert found.both_pass + found.only_judge + found.only_person + found.both_fail == FEWEST
    page = render(build_page(folder, journal, []))
    assert 'id="agreement"' in page and "Cohen&#39;s kappa" in page


def test_a_later_word_replaces_an_earlier_one(tmp_path: Path):
    journal = Journal(tmp_path / "store.sqlite")
    fill(journal, 5, range(5), error=0, seed=0)
    first = {label.pair: label for label in read_labels(journal, SPEC)}
    changed = next(id_ for id_, label in first.items() if label.approved)
    journal.append({f"{changed}@1": FinalDecision(decision="reject", reason="so", by="person")})
    later = {label.pair: label for label in read_labels(journal, SPEC)}
    assert not later[changed].approved and len(later) == len(first)
    assert all(label.drawn == in_random_slice(SPEC.seed, label.pair) for label in later.values())
