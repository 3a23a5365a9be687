"""docs/graph.md, drawn from the code: `python -m agent.drawing > docs/graph.md`."""

import sys
from collections.abc import Iterator
from itertools import pairwise

from agent.folder import GRAPH_VERSION
from agent.graph import FORKS, LINES, NODES, REVIEW_NODES, build_graph
from agent.tools.register import TOOLS


def draw_page() -> str:
    """The graph as a Mermaid chart, and what each node does."""
    rows = [f"| `{node}` | `{tool}` | {TOOLS[tool].description.splitlines()[0]} |" for node, tool in NODES.items()]
    return "\n".join(
        [
            "# The graph",
            "",
            f"Graph version {GRAPH_VERSION}. Drawn from the code by `python -m agent.drawing`; do not edit.",
            "",
            "Dotted lines are taken where the node's answer says so. Each `review_` node holds one interrupt and",
            "nothing else. A gate that fails leads from any node to `conclude`; those lines are left out. LangGraph's",
            "own tools open the graph through `langgraph.json`; a run's folder is named to them in `configurable.run`:",
            "`langgraph dev --allow-blocking` (nodes write to SQLite as they work, which it refuses otherwise).",
            "",
            "```mermaid",
            "graph TD",
            *_edges(),
            "```",
            "",
            "| node | tool | what it does |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _edges() -> Iterator[str]:
    """The compiled graph's edges, without those that a failed gate takes."""
    edges = [(edge.source, edge.target) for edge in build_graph(None, None).get_graph().edges]
    wired = {(source, target) for source, targets in FORKS.items() for target in targets}
    wired |= {pair for line in LINES for pair in pairwise(line)}
    for source, target in edges:
        if target == "conclude" and (source, target) not in wired:
            continue
        arrow = "-.->" if source in FORKS else "-->"
        yield f"    {_shape(source)} {arrow} {_shape(target)}"


def _shape(name: str) -> str:
    if name.startswith("__"):
        return f"{name.strip('_').upper()}(({name.strip('_')}))"
    return f"{name}{{{{{name}}}}}" if name in REVIEW_NODES.values() else f"{name}[{name}]"


if __name__ == "__main__":
    sys.stdout.write(draw_page())
