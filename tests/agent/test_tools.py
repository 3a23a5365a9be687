"""The tools as other programs find them: declared once, described, with schemas; the graph calls no other."""

import pytest

from agent.graph import FORKS, LINES, NODES, REVIEW_NODES
from agent.tools.register import ALL, TOOLS
from agent.tools.tool import Tool

each_tool = pytest.mark.parametrize("tool", ALL, ids=lambda tool: tool.name)


def test_every_node_calls_a_tool_that_is_declared_once():
    assert len(TOOLS) == len(ALL)
    assert set(NODES.values()) <= set(TOOLS)
    wired = {name for line in LINES for name in line} | set(FORKS) | {name for line in FORKS.values() for name in line}
    assert wired == {*NODES, *REVIEW_NODES.values()}


@each_tool
def test_a_tool_says_what_it_does_takes_and_gives(tool: Tool):
    assert len(tool.description.splitlines()[0]) > 20
    assert tool.takes.model_json_schema()["additionalProperties"] is False
    assert "summary" in tool.gives.model_json_schema()["properties"]


@each_tool
def test_a_tool_refuses_what_its_schema_does_not_name(tool: Tool):
    with pytest.raises(ValueError, match="nonesuch"):
        tool.takes.model_validate({"nonesuch": 1})
