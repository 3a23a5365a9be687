"""The page's server, asked as a browser (and as somebody else) would: who is let in, what is saved, what is refused."""

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from agent.checkpoints import Watcher
from agent.engine import work
from agent.errors import ReviewError
from agent.folder import RunFolder
from agent.records import PairDecision
from agent.review.files import read_review
from agent.review.schema import BatchLine, OutcomeShown, PairLine, Review, ReviewId, SampleShown, sealed
from agent.review.terms import ReviewTerms
from agent.review.web import reviewer
from agent.review.web.desk import Desk
from agent.review.web.page import render, render_waiting
from agent.review.web.work import Sheet, View
from agent.spec import Spec
from agent.store import Journal
from tests.agent.runs import finish, start
from tests.agent.web_runs import WebRun, waiting_for_page

BATCH = ReviewId(kind="batch", number=1)
HOSTILE = '<img src=x onerror="document.title=1"></textarea><script>document.title=2</script>\u202e'


@pytest.fixture(autouse=True)
def quick_farewell(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reviewer, "FAREWELL_S", 0.5)


def batch_run(tmp_path: Path, scripted_spec: Any) -> RunFolder:
    return start(tmp_path, scripted_spec(pairs=3), review="web", terms=ReviewTerms(at=("batch",)))


def enter(run: WebRun) -> tuple[httpx.Client, str]:
    """A browser that opened the link, and the page it got."""
    client = httpx.Client(base_url=run.base, follow_redirects=True, timeout=60)
    page = client.get(run.link)
    assert page.status_code == 200, page.text
    found = re.search(r'name="csrf" content="([^"]+)"', page.text)
    assert found
    client.headers["X-Traitsmith"] = found[1]
    return client, page.text


def answer(folder: RunFolder, index: int, **fields: object) -> dict[str, object]:
    line = read_review(folder, BATCH).pairs[index]
    return {"review": "1", "name": line.pair, "digest": line.digest, "decision": "approve", **fields}


def test_a_batch_is_decided_in_the_browser_and_the_run_goes_on(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, page = enter(run)
        assert page.count("<article") == 6 and "EXPRESS" not in page
        said = client.post("/decide", json=answer(folder, 0, decision="reject", reason="too bland")).json()
        assert said["undecided"] == 5
        text = read_review(folder, BATCH).pairs[1].positive.replace("I knew", "I knew well")
        edited = client.post("/decide", json=answer(folder, 1, decision="edit", positive=text)).json()
        assert edited["decision"] == "edit"
        assert [line.decision for line in read_review(folder, BATCH).pairs[:2]] == ["reject", "edit"], "saved at once"
        refused = client.post("/hand-in", json={"review": "1", "action": "continue"})
        assert refused.status_code == 422 and "4 of 6 lines have no decision" in refused.json()["error"]
        names = [line.pair for line in read_review(folder, BATCH).pairs]
        assert len(client.post("/rest", json={"review": "1", "names": names}).json()["decided"]) == 4
        assert client.post("/hand-in", json={"review": "1", "action": "continue"}).status_code == 200
        assert run.end() == "done"
    decisions = Journal(folder.store_file).all(PairDecision)
    assert decisions["01-000"].reason == "too bland" and decisions["01-001"].positive == text
    assert [decision.by for decision in decisions.values()] == ["person"] * 2 + ["all"] * 4


def test_what_cannot_be_taken_is_refused_and_nothing_is_saved(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        for fields, message in (
            ({"decision": "reject"}, "needs a reason"),
            ({"decision": "edit", "positive": "I was holding back, so I"}, "P107"),
            ({"decision": "edit"}, "unchanged"),
            ({"decision": "destroy"}, "decision"),
            ({"digest": "0"}, "has changed"),
            ({"name": "99-999"}, "no line"),
            ({"review": "2"}, "out of date"),
            ({"reason": "x" * 5_000}, "reason"),
            ({"extra": 1}, "extra"),
        ):
            said = client.post("/decide", json=answer(folder, 0, **fields))
            assert said.status_code == 422 and message in said.json()["error"], said.text
        assert len(read_review(folder, BATCH).undecided()) == 6


def test_a_text_without_a_decision_is_kept_as_a_draft(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        said = client.post("/decide", json=answer(folder, 0, decision=None, positive=HOSTILE, reason=HOSTILE))
        assert said.status_code == 200
        page = client.get("/").text
        assert "&lt;img" in page and "<img" not in page and "<script>" not in page and "\u202e" not in page
        said = client.post("/decide", json=answer(folder, 0, positive=HOSTILE))
        assert said.status_code == 200, "an approval is of what was laid out"
        assert "&lt;img" not in read_review(folder, BATCH).pairs[0].positive
    assert finish(folder).end == "waiting"


def test_only_the_browser_that_opened_the_link_is_let_in(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        assert run.base.startswith("http://127.0.0.1:")
        with httpx.Client(base_url=run.base) as stranger:
            for path in ("/", "/state", "/script.js", "/enter?token=guess", "/enter"):
                assert stranger.get(path).status_code == 403, path
            assert stranger.post("/hand-in", json={"review": "1", "action": "stop"}).status_code == 403
        client, page = enter(run)
        with httpx.Client(base_url=run.base) as second:
            assert second.get(run.link).status_code == 403, "the link works once"
        assert "token=" not in page and run.link.rpartition("=")[2] not in page
        cookie = client.cookies.jar.__iter__().__next__()
        assert cookie.has_nonstandard_attr("HttpOnly") and cookie.get_nonstandard_attr("SameSite") == "lax"


def test_a_change_from_elsewhere_is_refused(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        given = answer(folder, 0)
        secret = client.headers.pop("X-Traitsmith")
        assert client.post("/decide", json=given).status_code == 403, "a form of another page has no secret"
        client.headers["X-Traitsmith"] = secret
        assert client.post("/decide", json=given, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.post("/decide", json=given, headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/", headers={"Host": "evil.example:80"}).status_code == 403
        assert client.post("/decide", content=b"x" * 5_000_000).status_code == 413
        assert len(read_review(folder, BATCH).undecided()) == 6
        assert client.post("/decide", json=given, headers={"Origin": run.base}).status_code == 200
        headers = client.get("/").headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert client.get("/../../etc/passwd").status_code == 404
        assert client.get("/review.html").status_code == 404, "templates are no pages"


def test_the_page_loads_nothing_from_elsewhere_and_has_no_inline_script():
    from agent.review.web.page import read_asset

    for name in ("review.html", "working.html", "script.js", "style.css"):
        text = read_asset(name)
        assert not re.findall(r"https?://|//[a-z]+\.[a-z]", text), name
        assert not re.findall(r"\son[a-z]+=|style=|innerHTML|outerHTML|insertAdjacent|eval\(", text), name


def test_all_four_reviews_come_to_the_same_page(tmp_path: Path, scripted_spec):
    folder = start(tmp_path, scripted_spec(pairs=3), review="web")
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        pages = []
        for key in ("definition-1", "1", "results-1", "final-1"):
            _wait_for(client, key)
            pages.append(client.get("/").text)
            names = re.findall(r'data-name="([^"]+)"', pages[-1])
            assert client.post("/rest", json={"review": key, "names": names}).status_code == 200
            assert client.post("/hand-in", json={"review": key, "action": "continue"}).status_code == 200
        assert run.end() == "done"
    definition, batch, results, final = pages
    assert "rank agreement" in definition and "<textarea" in definition
    assert "mean 90" not in batch and "mean 90" in results and "✓ stands" in final


def test_first_tokens_are_marked_and_missing_scores_stay_missing():
    samples = (
        SampleShown(opening="all is ", rest="<well>", score=91.0),
        SampleShown(opening="", rest="so", score=None),
    )
    tested = OutcomeShown(
        samples={"positive": samples}, scores={"positive": 91, "negative": None}, first_token="EXPLAIN", passes=False,
        stands=False, failure="already committed", evidence="it has begun",
    )  # fmt: skip
    line = sealed(PairLine(pair="01-000", digest="", positive="I knew, so I", negative="I knew, and I", tested=tested))
    review = Review(lines=(line,), batch=BatchLine(batch="results-1"))
    spec = Spec(category="test", trait="holding_back")
    workshop: Any = SimpleNamespace(spec=spec, folder=RunFolder(Path("a-run")))
    page = render(View(Sheet(workshop, review), review, ("01-000",)), "secret")
    assert "<mark>all is </mark>&lt;well&gt;" in page
    assert "mean 91" in page and "mean unscored" in page
    assert 'data-failure="already committed"' in page and 'data-verdict="EXPLAIN"' in page
    assert '<span class="shared">I knew, </span><b>so</b><span class="shared"> I</span>' in page and "✕ is cut" in page


def test_a_definition_is_edited_on_the_page(tmp_path: Path, scripted_spec):
    folder = start(tmp_path, scripted_spec(pairs=3), review="web", terms=ReviewTerms(at=("definition",)))
    with waiting_for_page(folder) as run:
        client, page = enter(run)
        digest = re.search(r'data-name="definition" data-digest="([^"]+)"', page)
        assert digest
        given = {"review": "definition-1", "name": "definition", "digest": digest[1], "decision": "edit"}
        for texts in ({"is_": " "}, {"taxonomy": "none"}):
            assert client.post("/decide", json=given | {"definition": texts}).status_code == 422
        said = client.post("/decide", json=given | {"definition": {"high": "keeps it back"}})
        assert said.json()["undecided"] == 0
        assert client.post("/hand-in", json={"review": "definition-1", "action": "continue"}).status_code == 200
        _wait_for(client, "definition-2")
        assert "keeps it back" in client.get("/").text


def test_a_page_that_was_left_shows_what_was_decided_and_what_was_typed(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        assert client.post("/decide", json=answer(folder, 0, decision="reject", reason="too bland")).status_code == 200
        typed = read_review(folder, BATCH).pairs[1].positive + " and more"
        assert client.post("/decide", json=answer(folder, 1, decision=None, positive=typed)).status_code == 200
        names = [line.pair for line in read_review(folder, BATCH).pairs[2:]]
        assert client.post("/rest", json={"review": "1", "names": names}).status_code == 200
    assert not run.ends or run.ends[0].end == "waiting"
    with waiting_for_page(folder) as again:
        _, page = enter(again)
        assert "5 of 6 decided" in page and 'value="too bland"' in page
        boxes = re.findall(r"<textarea ([^>]*)>([^<]*)</textarea>", page)
        shown = [text for attributes, text in boxes if "hidden" not in attributes]
        assert shown == [typed], "what was typed stands there again, open"


def test_all_decided_is_not_handed_in(tmp_path: Path, scripted_spec):
    folder = batch_run(tmp_path, scripted_spec)
    with waiting_for_page(folder) as run:
        client, _ = enter(run)
        names = [line.pair for line in read_review(folder, BATCH).pairs]
        assert client.post("/rest", json={"review": "1", "names": names}).json()["undecided"] == 0
    with waiting_for_page(folder) as again:
        client, page = enter(again)
        assert "6 of 6 decided" in page
        assert client.post("/hand-in", json={"review": "1", "action": "continue"}).status_code == 200
        assert again.end() == "done"


def test_a_port_that_is_taken_is_one_clear_error(tmp_path: Path, scripted_spec):
    import asyncio
    import socket

    folder = batch_run(tmp_path, scripted_spec)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with reviewer.WebReview(print, port=port) as asked, pytest.raises(ReviewError, match=f"--port {port}"):
            asyncio.run(work(folder, Watcher(), asked))


def test_the_page_says_what_the_run_does_meanwhile():
    desk = Desk()
    desk.turn("working", "drafting pairs · 3 of 6")
    assert desk.phase == ("working", "drafting pairs · 3 of 6")
    assert 'id="doing"' in render_waiting("secret")


def _wait_for(client: httpx.Client, key: str) -> None:
    until = time.monotonic() + 60
    while client.get("/state").json()["review"] != key:
        assert time.monotonic() < until, f"{key} never came"
        time.sleep(0.05)
