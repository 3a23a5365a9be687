"""`traitsmith resume`: go on with a run."""

from rich.console import Console

from agent.cli.options import HERE, AsJson, Budget, Cache, Notify, Out, Prices, Run
from agent.cli.working import read_notifier, work_in_terminal
from agent.folder import find_run
from agent.spending import build_spending


def resume(
    run: Run,
    budget: Budget = None,
    prices: Prices = None,
    cache: Cache = None,
    notify: Notify = None,
    out: Out = HERE,
    as_json: AsJson = False,
) -> None:
    """Go on with a run after a crash, Ctrl-C, a review or a raised budget."""
    folder = find_run(run, out.resolve())
    info = folder.read_info()
    spending = build_spending({"budget": budget, "prices": prices, "cache": cache}, info.spending)
    notifier = read_notifier(notify)
    if spending != info.spending:
        with folder.locked():
            folder.write_info(info.model_copy(update={"spending": spending}))
    work_in_terminal(folder, info.review, as_json, Console(stderr=as_json), notifier)
