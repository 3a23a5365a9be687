"""The page: complete for every kind of run, self-contained, safe, deterministic, and true to the journal."""

import base64
import hashlib
import re

import pytest

from agent.records import (
    Calibration,
    CalibrationRow,
    Cell,
    Draft,
    Ending,
    Failure,
    FreshTest,
    LessonRecord,
    LintRecord,
    PairDecision,
    Question,
    Questions,
    RoundRecord,
    SteeringRecord,
    TraitRecord,
    Trial,
)
from agent.report.build import write_report
from agent.report.numbers import percent, plain, score, signed
from agent.validation import build_validation
from extract.lint.findings import Finding
from extract.trait import Sample
from lm.calls import Usage
from lm.verdicts import Rubric, Unscored
from tests.agent.report.page_reader import read_page
from tests.agent.report.report_facts import TRAIT, USAGE
from tests.agent.report.report_measured import make_steering
from tests.agent.report.report_rounds import fill_rounds, make_pair
from tests.agent.report.report_runs import fill_definition, fill_fresh_test, open_folder

KINDS = ("finished", "failed", "uncalibrated", "empty")
SECTIONS = ("trait", "rounds", "failures", "pairs", "directions", "steering", "cost", "made")
NBSP = "\N{NO-BREAK SPACE}"


def number(text: str) -> float:
    return float(re.sub(r"[^\d.+−-]", "", text).replace("−", "-"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_run_has_every_section_and_sound_markup(built, kind):
    _, _, html, page = built[kind]
    assert [section.attributes["id"] for section in page.find("section")] == list(SECTIONS)
    assert "nan" not in re.sub(r"[a-z]+nan|nan[a-z]+", "", html.lower()), "a number that is none was drawn"
    assert "Undefined" not in html and ">None<" not in html
    for chart in page.find("svg", "chart"):
        assert chart.attributes["role"] == "img" and len(chart.attributes["aria-label"]) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_loaded_from_outside(built, kind):
    _, _, html, page = built[kind]
    for element in page.walk():
        for name, value in element.attributes.items():
            assert name not in ("src", "srcset", "action", "style") and not name.startswith("on"), (element.tag, name)
            assert name not in ("href", "xlink:href") or value.startswith("#"), value
            assert "url(" not in value or value.startswith("url(#"), value
        assert element.tag not in ("link", "iframe", "img", "object", "embed", "base")
    assert "@import" not in html and "://" not in html
    assert "url(" not in page.one("style").text


def test_only_its_own_style_and_script_may_run(finished):
    page = finished[3]
    (policy,) = (meta.attributes["content"] for meta in page.find("meta") if "http-equiv" in meta.attributes)
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.one(tag).text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_same_journal_gives_the_same_bytes(finished):
    folder, journal, html, _ = finished
    assert write_report(folder, journal, USAGE).read_bytes() == html.encode()


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'; </style><style>*{display:none}",
    "a\x00b\x1b[31mc\x7f",
    "\N{RIGHT-TO-LEFT OVERRIDE}reversed",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;",
    "</textarea><svg/onload=alert(3)>\N{SNOWMAN}",
)


def hostile_run(root):
    """Every text that a model, a person or a provider may write is hostile."""
    evil = " ".join(HOSTILE)
    folder, journal = open_folder(root, idea=evil)
    rubric = Rubric(high=evil, low=evil, key=evil)
    rows = (CalibrationRow(level=3, situation=evil, text=evil, score=None),)
    journal.append({"0": Calibration(rubric_key=evil, rows=rows, spearman=None, passed=False)})
    named = {"is_": evil, "is_not": evil, "orthogonal": evil, "rubric": rubric, "neighbours": (evil,)}
    journal.append({"trait": TraitRecord(trait=TRAIT.model_copy(update=named))})
    pair = make_pair(evil, 1, 0)
    texts = {"ground_truth": evil, "positive": evil + " a", "negative": evil + " b", "domain": evil, "stakes": evil}
    pair = pair.model_copy(update=texts)
    journal.append({evil: Draft(pair=pair, cell=Cell(lock_in=evil, domain=evil, stakes=evil, audience=evil))})
    journal.append({evil: LintRecord(findings=(Finding(code="P1", severity="warning", message=evil),))})
    journal.append({evil: PairDecision(decision="reject", reason=evil, by="person")})
    sample = Sample(text=evil, opening=HOSTILE[0], verdict=Unscored(reason=evil))
    samples = {"positive": (sample,), "negative": (sample,)}
    journal.append(
        {evil: Trial(samples=samples, scores={"positive": None, "negative": None}, unscored=2, passed=False)}
    )
    journal.append({evil: Failure(failure=evil, side=None, evidence=evil)})
    journal.append({f"1/{evil}": LessonRecord(failure=evil, lesson=evil)})
    question = Question(text=evil, kind="choose", domain=evil, baseline=None)
    journal.append(
        {"questions": Questions(prefix=evil, questions=(question,), baseline=None, candidates={evil: None}, dropped=0)}
    )
    report = make_steering()
    examples = tuple(example.model_copy(update={"question": evil, "answer": evil}) for example in report.examples)
    controls = tuple(control.model_copy(update={"name": evil}) for control in report.controls)
    spoilt = report.model_copy(update={"examples": examples, "controls": controls, "method": evil, "assistant": evil})
    journal.append({"steering": SteeringRecord(report=spoilt)})
    journal.append({"ending": Ending(passed=False, gate=evil, message=evil)})
    return folder, journal


def test_hostile_texts_are_shown_and_never_run(tmp_path):
    folder, journal = hostile_run(tmp_path)
    evil = " ".join(HOSTILE)
    html = write_report(folder, journal, [Usage(evil, evil, evil, 1, 1, 1, 1.0)]).read_text(encoding="utf-8")
    page = read_page(html)
    assert len(page.find("script")) == 1 and len(page.find("style")) == 1 and not page.find("img")
    assert not any(name.startswith("on") for element in page.walk() for name in element.attributes)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html)
    text = page.one(id_="pairs").text
    for shown in ("<script>alert(1)</script>", "&amp; &lt;b&gt;", "a␀b␛[31mc␡", "[U+202E]reversed", "{{ 7 * 7 }}"):
        assert shown in text


def test_key_numbers_are_those_of_validation(finished):
    folder, journal, _, page = finished
    found = build_validation(folder.read_info().spec, journal, USAGE)
    tiles = {tile.one(class_="name").words: tile for tile in page.find("div", "tile")}
    shown = {name: tile.one(class_="value").text for name, tile in tiles.items()}
    assert shown == {
        "accepted pairs": str(found["scenarios"]["n_pairs"]),
        "fresh pass rate": percent(found["scenarios"]["pass_rate"]),
        "first tokens express": percent(found["first_token"]["express_rate"]),
        "baseline, unsteered": score(found["baseline"]["mean"]),
        "steering effect": signed(found["steering"]["delta"]),
    }
    low, high = found["scenarios"]["pass_rate_ci95"]
    assert f"95 % interval {plain(100 * low)}–{plain(100 * high)}{NBSP}%" in tiles["fresh pass rate"].text
    told = page.one(id_="verdict").text
    assert f"{found['scenarios']['passed']} of {found['scenarios']['n_pairs']} matched pairs pass" in told
    for name in ("positive_mean", "negative_mean"):
        assert plain(found["scenarios"][name]) in told
    assert signed(found["steering"]["random_control_delta"]) in told


def test_tables_say_what_the_journal_says(finished):
    _, journal, _, page = finished
    rows = page.one(id_="round-table").rows()
    records = journal.all(RoundRecord)
    assert [row["round"] for row in rows] == list(records)
    for row, record in zip(rows, records.values(), strict=True):
        assert (int(row["drafted"]), int(row["passed"]), int(row["standing"])) == (
            record.drafted, record.passed, record.accepted_total,
        )  # fmt: skip
        assert number(row["yield"]) == pytest.approx(100 * record.yield_, abs=0.06)
        assert sum(int(part.split()[0]) for part in row["failures"].split(", ")) == sum(record.failures.values())
    tests = page.one(id_="test-table").rows()
    for place, test in enumerate(journal.all(FreshTest).values()):
        passed, express = tests[2 * place], tests[2 * place + 1]
        assert (int(passed["pass"]), int(express["pass"])) == (len(test.passed), len(test.express))
        assert int(passed["pairs"]) == int(express["pairs"]) == len(test.pairs)
    effect = page.one(id_="effect-table").rows()
    report = journal.get(SteeringRecord, "steering").report
    assert report.chosen is not None
    assert number(effect[0]["delta"]) == pytest.approx(report.chosen.delta, abs=0.06)
    assert [row["setting"] for row in effect[1:4]] == ["random direction 1", "random direction 2", "random direction 3"]


def test_costs_add_up(finished):
    _, _, _, page = finished
    rows = page.one(id_="cost-table").rows()
    assert sum(number(row["calls"]) for row in rows) == sum(row.calls for row in USAGE)
    total = [cell.words for cell in page.one(id_="cost-table").one("tfoot").find("td")]
    assert number(total[-3]) == sum(row.tokens_in for row in USAGE)


def test_every_pair_is_there_and_all_but_a_dozen_are_folded_away(finished):
    _, journal, _, page = finished
    drafts = journal.all(Draft)
    cards = page.find("article", "pair")
    assert {card.find(class_="id")[0].text for card in cards} == set(drafts)
    folded = page.one("details", "more").find("article", "pair")
    assert len(cards) - len(folded) == 12
    card = next(card for card in cards if card.attributes["data-status"] == "accepted")
    pair = drafts[card.find(class_="id")[0].text].pair
    assert [side.find(class_="scenario")[0].text for side in card.find(class_="side")] == [pair.positive, pair.negative]
    assert len(card.find("mark")) == 8


def test_a_failed_run_says_which_gate_and_what_was_not_done(built):
    page = built["failed"][3]
    verdict = page.one(id_="verdict")
    assert "failed" in verdict.attributes["class"]
    assert "Failed: too few pairs pass" in verdict.text and "7 of 60 pairs stand" in verdict.text
    assert "Most fail by" in verdict.text
    for section in ("directions", "steering"):
        assert "Not done. The run ended before this. Failed: too few pairs pass." in page.one(id_=section).words
    states = [stage.attributes["class"] for stage in page.one(class_="stages").find("li")]
    assert states == ["done", "failed", "not-done", "not-done", "not-done", "not-done"]
    page = built["uncalibrated"][3]
    assert "✕ too low" in page.one(id_="trait").text and "Not done." in page.one(id_="rounds").text


def test_a_run_that_has_hardly_begun_says_so(built):
    page = built["empty"][3]
    assert "The trait is being defined" in page.one(id_="verdict").text
    assert all("Not done." in page.one(id_=name).text for name in SECTIONS[:6])


def test_a_run_in_the_middle_of_a_round_is_shown_as_far_as_it_is(tmp_path):
    folder, journal = open_folder(tmp_path)
    fill_definition(journal)
    fill_rounds(journal, (10, 24), bad=(4, 5), conclude=False)
    page = read_page(write_report(folder, journal, USAGE[:4]).read_text(encoding="utf-8"))
    assert "Round 2 is under way" in page.one(id_="verdict").text
    assert page.one(id_="round-table").rows()[0]["yield"] == "under way"


def test_a_failed_fresh_test_is_told_with_its_numbers(tmp_path):
    folder, journal = open_folder(tmp_path, rounds=4)
    fill_definition(journal)
    fill_rounds(journal)
    fill_fresh_test(journal, failing=9)
    journal.append({"ending": Ending(passed=False, gate="pass rate", message="51 of 60 pairs pass afresh")})
    page = read_page(write_report(folder, journal, USAGE).read_text(encoding="utf-8"))
    told = page.one(id_="verdict").text
    assert "Failed: too few pairs pass a fresh test" in told and "51 of 60 matched pairs pass" in told
    tile = next(tile for tile in page.find("div", "tile") if "fresh pass rate" in tile.text)
    assert "missed" in tile.attributes["class"] and f"✕ gate ≥ 90{NBSP}%" in tile.text


def test_a_steering_effect_within_its_controls_is_not_sold_as_one(tmp_path):
    folder, journal = open_folder(tmp_path)
    journal.append({"steering": SteeringRecord(report=make_steering(works=False))})
    journal.append({"ending": Ending(passed=True, gate=None, message="all gates passed")})
    page = read_page(write_report(folder, journal, []).read_text(encoding="utf-8"))
    assert "not beyond what the controls do" in page.one(id_="verdict").text
    assert "✕ not beyond control" in page.find("div", "tile")[-1].text


def test_a_steering_search_that_found_nothing_is_shown(tmp_path):
    report = make_steering()
    lost = {"chosen": None, "chosen_on": None, "dose_response": (), "examples": (), "controls": ()}
    grid = tuple(cell.model_copy(update={"coherence": 12.0}) for cell in report.grid)
    folder, journal = open_folder(tmp_path)
    journal.append({"steering": SteeringRecord(report=report.model_copy(update={**lost, "grid": grid}))})
    page = read_page(write_report(folder, journal, []).read_text(encoding="utf-8"))
    assert "no push could be scored and kept its coherence" in page.one(id_="effect-table").words
