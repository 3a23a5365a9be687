"""A new run from an earlier round of another one: what was known when the round began, and the way from there on."""

from contextlib import closing

from agent.checkpoints import open_graph
from agent.errors import RunError
from agent.folder import RunFolder
from agent.state import RunState
from agent.store import Journal


async def state_before(source: RunFolder, round_number: int) -> RunState:
    """The state in which a run began a round; RunError says which rounds there are."""
    source.check_store(source.read_info())
    if not source.graph_file.exists():
        raise RunError(f"{source.path} has not begun; there is nothing to go on from.")
    async with open_graph(source, None) as graph:
        return await graph.before_round(round_number)


async def fork_run(source: RunFolder, state: RunState, target: RunFolder) -> None:
    """Give a new run the journal of another one as it stood in a state, and put it there."""
    with closing(Journal(source.store_file)) as old, closing(Journal(target.store_file)) as new:
        new.adopt_before(old, state["round"])
    async with open_graph(target, None) as graph:
        await graph.stand_before_draft(state)
