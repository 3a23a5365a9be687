"""One run in numbers, as `traitsmith status` shows it."""

import json
from dataclasses import dataclass
from typing import Any

from agent.errors import RunError
from agent.folder import RunFolder
from agent.records import RoundRecord
from agent.report.costs import CostsView, view_costs
from agent.report.reading import in_use, open_run
from agent.report.standing import Standing, read_standing


@dataclass(frozen=True)
class RunSummary:
    """Where a run stands and what it took."""

    folder: RunFolder
    trait: str
    created: str
    pairs_wanted: int
    standing: Standing
    working: bool
    """A process works on it right now."""
    whole: bool
    """All its files are written."""
    rounds: dict[int, RoundRecord]
    costs: CostsView
    validation: dict[str, Any] | None

    @property
    def state(self) -> str:
        """passed, failed, waiting, running or stopped."""
        if self.standing.state != "open":
            return self.standing.state
        return "running" if self.working else "stopped"

    @property
    def advice(self) -> str:
        """What to do next; empty where there is nothing to do."""
        resume = f"`traitsmith resume {self.folder.path}`"
        if self.working:
            return "A process is working on it."
        if self.standing.state in ("passed", "failed"):
            return "" if self.whole else f"Its files are not complete; {resume} writes them."
        return self.standing.message if self.standing.state == "waiting" else f"{resume} goes on."

    def as_json(self) -> dict[str, Any]:
        """The same for machines."""
        return {
            "run": str(self.folder.path),
            "trait": self.trait,
            "created": self.created,
            "state": self.state,
            "where": self.standing.headline,
            "message": self.standing.message,
            "advice": self.advice,
            "round": self.standing.round,
            "stages": {stage.name: stage.state for stage in self.standing.stages},
            "rounds": [
                {"round": number, "drafted": r.drafted, "passed": r.passed, "yield": round(r.yield_, 4),
                 "approach": r.approach, "accepted": r.accepted_total}
                for number, r in self.rounds.items()
            ],
            "cost": [vars(row) | {"cached_share": row.cached_share} for row in self.costs.rows],
            "cost_by_role": {role: self.costs.of_role(role).as_json() for role in self.costs.roles},
            "cost_in_all": self.costs.as_json(),
            "validation": self.validation,
        }  # fmt: skip


def summarise(folder: RunFolder) -> RunSummary:
    """Read a run without changing it; RunError where it is damaged."""
    with open_run(folder) as run:
        return RunSummary(
            folder=folder,
            trait=run.info.spec.path,
            created=run.info.created,
            pairs_wanted=run.info.spec.pairs,
            standing=read_standing(folder, run.info, run.journal, str(folder.path)),
            working=in_use(folder),
            whole=folder.manifest_file.exists(),
            rounds={int(number): record for number, record in run.journal.all(RoundRecord).items()},
            costs=view_costs(run.usage),
            validation=_read_validation(folder),
        )


def _read_validation(folder: RunFolder) -> dict[str, Any] | None:
    try:
        found = json.loads(folder.validation_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder.validation_file} is damaged ({error}). Delete it; `traitsmith report {folder.path}` builds the "
            "report from the journal."
        ) from error
    return found if isinstance(found, dict) else None
