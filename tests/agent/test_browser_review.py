"""The review page in a real Chromium: keys, filters, autosave, and texts of models that stay texts."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from agent.folder import RunFolder
from agent.records import PairDecision
from agent.review.files import read_review
from agent.review.schema import ReviewId
from agent.review.terms import ReviewTerms
from agent.store import Journal
from tests.agent.runs import start
from tests.agent.scripted import author_script, subject_script, write_script
from tests.agent.web_runs import waiting_for_page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
BATCH = ReviewId(kind="batch", number=1)
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync",
         "disable-background-networking", "disable-component-update", "disable-dev-shm-usage",
         "host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")  # fmt: skip
"""A browser that asks nobody for anything."""
SHOTS = os.environ.get("TRAITSMITH_SCREENSHOTS")
"""A folder to leave screenshots in, to be looked at."""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.fail(f"no {' and no '.join(missing)}: `make browser` as root installs them (Debian: chromium-driver).")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs["chromium"])
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, Service(programs["chromedriver"]))
    driver.set_window_size(1280, 900)
    yield driver
    driver.quit()


class Page:
    """What a person sees and does."""

    def __init__(self, driver: webdriver.Chrome, link: str) -> None:
        self.driver = driver
        driver.get_log("browser")  # type: ignore[no-untyped-call]
        driver.get(link)
        self.until(lambda: self.current() is not None)

    def until(self, done: Callable[[], Any], seconds: float = 240) -> Any:
        # A page that loads anew takes its elements away while they are looked at.
        gone = [StaleElementReferenceException]
        return WebDriverWait(self.driver, seconds, 0.1, ignored_exceptions=gone).until(lambda _: done())

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def current(self) -> str | None:
        return next((card.get_attribute("data-name") for card in self.all(".line.current")), None)

    def decision(self, name: str) -> str:
        return str(
            self.driver.find_element(By.CSS_SELECTOR, f'.line[data-name="{name}"]').get_attribute("data-decision")
        )

    def shown(self) -> list[str]:
        return [str(card.get_attribute("data-name")) for card in self.all(".line") if card.is_displayed()]

    def saved(self) -> bool:
        return self.driver.find_element(By.ID, "saved").text == "saved"

    def choose(self, filter_: str, value: str) -> None:
        option = self.driver.find_element(By.CSS_SELECTOR, f'select[name="{filter_}"] option[value="{value}"]')
        option.click()

    def shoot(self, name: str) -> None:
        if SHOTS:
            for scheme in ("light", "dark"):
                feature = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", feature)
                for width in (1280, 420):
                    self.driver.set_window_size(width, 1100)
                    self.driver.save_screenshot(str(Path(SHOTS) / f"{name}-{scheme}-{width}.png"))
            self.driver.set_window_size(1280, 900)

    def faults(self) -> list[str]:
        rows: Any = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        # A page asks for its run until it hears that it has ended, and browsers ask for icons.
        known = (" 422 ", "favicon", "/state ")
        return [
            row["message"] for row in rows if row["level"] == "SEVERE" and not any(k in row["message"] for k in known)
        ]


def run(tmp_path: Path, scripted_spec: Any, *at: str, **fields: object) -> RunFolder:
    return start(tmp_path, scripted_spec(pairs=3, **fields), review="web", terms=ReviewTerms(at=at))  # type: ignore[arg-type]


def test_a_batch_is_decided_by_single_keys(tmp_path: Path, scripted_spec, chromium: webdriver.Chrome):
    folder = run(tmp_path, scripted_spec, "batch")
    with waiting_for_page(folder) as going:
        page = Page(chromium, going.link)
        page.shoot("batch")
        names = page.shown()
        assert len(names) == 6 and page.current() == names[0]
        page.press("a")
        page.until(lambda: page.current() == names[1])
        assert page.decision(names[0]) == "approve"
        page.press("r")
        page.press("too bland", Keys.ENTER)
        page.until(lambda: page.decision(names[1]) == "reject" and page.current() == names[2])
        page.press("e")
        page.until(lambda: page.all(".line.current textarea") and page.all(".line.current textarea")[0].is_displayed())
        page.press(" and more")
        page.shoot("edit")
        page.press(Keys.CONTROL + Keys.ENTER)
        page.until(lambda: page.decision(names[2]) == "edit" and page.saved())
        on_disk = {line.pair: line for line in read_review(folder, BATCH).pairs}
        assert on_disk[names[2]].positive.endswith(" and more"), "saved as it is made"
        assert on_disk[names[1]].reason == "too bland"
        page.press(Keys.ESCAPE)
        page.press("u")
        page.until(lambda: page.decision(names[2]) == "")
        page.press(Keys.ESCAPE)
        page.press("d")
        page.press("aim lower", Keys.ENTER)
        page.until(lambda: page.decision(names[2]) == "redraft" and page.current() == names[3])
        page.press("d")
        page.press(Keys.ENTER)
        page.until(lambda: page.decision(names[3]) == "redraft")
        assert {line.pair: line.reason for line in read_review(folder, BATCH).pairs}[names[2]] == "aim lower"
        page.press("u", "u")
        page.until(lambda: page.decision(names[2]) == page.decision(names[3]) == "")
        page.press("A")
        page.until(lambda: all(page.decision(name) for name in names))
        page.press("H")
        assert going.end() == "done"
        assert not page.faults()
    decisions = Journal(folder.store_file).all(PairDecision)
    assert decisions[names[1]].decision == "reject" and decisions[names[0]].by == "person"


def test_an_edit_that_is_wrong_says_why_and_a_typed_reason_is_kept(
    tmp_path: Path, scripted_spec, chromium: webdriver.Chrome
):
    folder = run(tmp_path, scripted_spec, "batch")
    with waiting_for_page(folder) as going:
        page = Page(chromium, going.link)
        name = page.current()
        page.press("e")
        page.press(" holding back", Keys.CONTROL + Keys.ENTER)
        page.until(lambda: "P107" in page.all(".line.current .error")[0].text)
        page.press(Keys.ESCAPE)
        page.driver.find_element(By.CSS_SELECTOR, '.line.current input[name="reason"]').send_keys("half a thought")
        kept = page.until(
            lambda: [line for line in read_review(folder, BATCH).pairs if line.reason == "half a thought"]
        )
        assert kept[0].pair == name and kept[0].decision is None
        page.driver.refresh()
        page.until(lambda: page.current() is not None)
        field = page.driver.find_element(By.CSS_SELECTOR, f'.line[data-name="{name}"] input[name="reason"]')
        assert field.get_attribute("value") == "half a thought"


def test_results_show_scores_and_first_tokens_and_are_filtered(
    tmp_path: Path, scripted_spec, chromium: webdriver.Chrome
):
    worse = [{"text": "the plan is broken", "match": "boss", "repeat": True}, *subject_script()]
    subject = write_script(tmp_path / "worse.jsonl", worse)
    folder = run(tmp_path, scripted_spec, "results", subject=subject)
    with waiting_for_page(folder) as going:
        page = Page(chromium, going.link)
        page.shoot("results")
        names = page.shown()
        assert "mean 90" in page.driver.page_source
        page.choose("proposed", "cut")
        cut = page.shown()
        assert cut and len(cut) < len(names)
        assert page.current() is None or page.current() in cut, "keys never decide what is not in sight"
        page.choose("proposed", "")
        failure = page.all('select[name="failure"] option')[1]
        failure.click()
        assert set(page.shown()) - {page.current()} <= set(cut)
        page.all('select[name="failure"] option')[0].click()
        page.driver.find_element(By.NAME, "search").send_keys("no such words")
        assert not page.shown() or page.shown() == [page.current()]
        assert not page.faults()


def test_what_a_model_wrote_is_a_text_on_the_page(tmp_path: Path, scripted_spec, chromium: webdriver.Chrome):
    import json

    lines = author_script()
    for line in lines:
        value = json.loads(str(line["text"]))
        if "ground_truth" in value:
            line["text"] = json.dumps(value | {"ground_truth": value["ground_truth"] + " " + HOSTILE})
    author = write_script(tmp_path / "hostile.jsonl", lines)
    folder = run(tmp_path, scripted_spec, "batch", author=author)
    with waiting_for_page(folder) as going:
        page = Page(chromium, going.link)
        assert "<img" in page.all(".truth")[0].text
        assert not page.all("img") and "owned" not in page.driver.title
        assert not page.faults()


def test_all_four_reviews_come_one_after_the_other(tmp_path: Path, scripted_spec, chromium: webdriver.Chrome):
    folder = run(tmp_path, scripted_spec, "definition", "batch", "results", "final")
    with waiting_for_page(folder) as going:
        page = Page(chromium, going.link)
        page.shoot("definition")
        for key in ("definition-1", "1", "results-1", "final-1"):
            page.until(lambda key=key: page.all(f'body[data-review="{key}"]') and page.current())
            if key == "final-1":
                page.shoot("final")
            page.press("A")
            page.until(lambda: all(card.get_attribute("data-decision") for card in page.all(".line")))
            page.press("H")
        assert going.end() == "done"
        page.until(lambda: page.all("#working"))
