"""`traitsmith report`: build a run's page from its journal; no model is loaded."""

import json

from rich.console import Console

from agent.cli.options import HERE, AsJson, Out, Run
from agent.folder import find_run


def report(run: Run, out: Out = HERE, as_json: AsJson = False) -> None:
    """(Re)build the HTML report of a run, finished or not."""
    from agent.errors import RunError
    from agent.report.build import write_report
    from agent.report.reading import open_run

    with open_run(find_run(run, out.resolve())) as opened:
        try:
            file = write_report(opened.folder, opened.journal, opened.usage)
        except OSError as error:
            raise RunError(f"cannot write {opened.folder.report_file}: {error.strerror}.") from error
    if as_json:
        print(json.dumps({"run": str(opened.folder.path), "report": str(file)}))
    else:
        Console().print(f"report {file}", highlight=False, soft_wrap=True, markup=False)
