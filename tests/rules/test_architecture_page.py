"""docs/architecture.md names every module that lies at the root of a package."""

import re

import pytest

from tests.agent.runs import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["agent", "steer", "extract", "lm"])
def test_every_module_is_named_in_its_packages_part(package: str):
    part = re.search(rf"^    {package}/.*?(?=^    \w|^\S)", PAGE, re.MULTILINE | re.DOTALL)
    assert part is not None
    modules = {file.name for file in (ROOT / package).glob("[a-z]*.py")}
    assert modules - set(re.findall(r"[a-z_]+\.py", part[0])) == set()
