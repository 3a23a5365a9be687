"""The page of a steering report on its own: charts, tables, side effects, answers side by side; nothing runs in it."""

from agent.report.steering_page import render_steering
from steer.report import OtherScore, SideEffects
from tests.agent.report.page_reader import read_page
from tests.agent.report.report_measured import make_steering

SIDE = SideEffects(
    perplexity_before=9.5, perplexity_after=14.25, n_texts=40, repetition_before=0.01, repetition_after=0.06,
    refusals_before=0.0, refusals_after=0.1,
    other_scores=(OtherScore(trait="alignment/other_one", before=12, after=20.5, delta=8.5, delta_ci95=(2, 15), n=10),),
)  # fmt: skip


def test_everything_is_on_it():
    report = make_steering().model_copy(update={"side_effects": SIDE})
    html = render_steering(report)
    page = read_page(html)
    assert page.one("h1").text == "strategic omission"
    verdict = page.one(id_="verdict")
    assert "passed" in verdict.attributes["class"] and report.verdict in verdict.text
    assert f"in {len(report.grid)} tries" in verdict.words
    assert len(page.find("svg", "chart")) == 2
    assert page.find("polyline", "cliff") and len(page.find("polygon", "band")) == 2
    settings = [row["setting"] for row in page.one(id_="effect-table").rows()]
    assert settings[:2] == ["the direction", "random direction 1"] and settings[-1] == "unsteered, all questions"
    rows = {row["figure"]: row for row in page.one(id_="side-effects").rows()}
    assert (rows["perplexity"]["unsteered"], rows["perplexity"]["with the push"]) == ("9.5", "14.2")
    assert rows["refusals"]["with the push"] == "10 %"
    assert "+8.5" in rows["alignment/other one"]["measured on"]
    asked = page.find("p", "question")
    assert [question.text for question in asked] == list(dict.fromkeys(one.question for one in report.examples))
    shown = [div.find("p", "text")[0].text for div in page.find("div", "rise")[0].find("div")[1:]]
    assert shown == [one.answer for one in report.examples if one.question == asked[0].text]
    assert "<script" not in html and "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_texts_of_models_are_shown_and_never_run():
    report = make_steering()
    bad = report.examples[0].model_copy(update={"answer": "<script>alert(1)</script>"})
    html = render_steering(report.model_copy(update={"examples": (bad,)}))
    assert "&lt;script&gt;" in html and "<script" not in html


def test_nothing_found_is_said():
    lost = {"chosen": None, "chosen_on": None, "dose_response": (), "examples": (), "controls": (), "grid": ()}
    page = read_page(render_steering(make_steering().model_copy(update=lost)))
    assert "failed" in page.one(id_="verdict").attributes["class"]
    assert "no push could be scored" in page.one(id_="effect-table").words
