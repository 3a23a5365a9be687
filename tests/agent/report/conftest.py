import pytest

from agent.report.build import write_report
from tests.agent.report.page_reader import read_page
from tests.agent.report.report_facts import USAGE
from tests.agent.report.report_runs import failed_run, finished_run, open_folder, uncalibrated_run

MAKERS = {"finished": finished_run, "failed": failed_run, "uncalibrated": uncalibrated_run, "empty": open_folder}


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Every kind of run, built once: folder, journal, HTML and the page read back."""
    found = {}
    for name, make in MAKERS.items():
        folder, journal = make(tmp_path_factory.mktemp(name))
        html = write_report(folder, journal, [] if name == "empty" else USAGE).read_text(encoding="utf-8")
        found[name] = (folder, journal, html, read_page(html))
    return found


@pytest.fixture
def finished(built):
    return built["finished"]
