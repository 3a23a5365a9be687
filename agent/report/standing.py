"""Where a run stands, read from its journal: which stages are done, which gate failed, what waits."""

from dataclasses import dataclass
from typing import Literal

from agent.errors import ReviewError
from agent.folder import RunFolder, RunInfo
from agent.records import (
    BatchDecision,
    Calibration,
    Draft,
    DraftFailure,
    Ending,
    ExtractionRecord,
    FreshTest,
    Questions,
    ReviewAsked,
    RoundRecord,
    SteeringRecord,
    TraitRecord,
)
from agent.review.files import read_review, review_file
from agent.review.schema import ReviewId
from agent.store import Journal

State = Literal["passed", "failed", "waiting", "open"]
StageState = Literal["done", "failed", "begun", "not done"]

STAGE_OF_GATE = {
    "definition": "definition",
    "calibration": "definition",
    "review": "pairs",
    "pairs": "pairs",
    "extractable": "pairs",
    "lints": "pairs",
    "pass rate": "fresh test",
    "questions": "questions",
    "baseline": "questions",
    "weights": "directions",
}
"""The stage of the run that a gate belongs to; `weights` is held against each model before it is read."""
GATE_WORDS = {
    "definition": "the trait could not be defined",
    "calibration": "the judge does not rank texts as the rubric says",
    "review": "the reviewer ended the run",
    "pairs": "too few pairs pass",
    "extractable": "not extractable this way",
    "lints": "pairs have lint errors",
    "pass rate": "too few pairs pass a fresh test",
    "questions": "too few usable steering questions",
    "baseline": "the assistant shows the trait unsteered",
    "weights": "the weights are not those that are served",
}
"""What it means that a gate failed."""


@dataclass(frozen=True)
class Stage:
    """One stage of the run."""

    name: str
    state: StageState
    note: str


@dataclass(frozen=True)
class Standing:
    """Where a run stands."""

    state: State
    headline: str
    message: str
    """What happened, or what to do next."""
    round: int
    """The latest round that has pairs; 0 before the first."""
    stages: tuple[Stage, ...]

    @property
    def missing(self) -> str:
        """Why a section of the page has nothing to show."""
        if self.state == "failed":
            return f"The run ended before this. {self.headline}."
        if self.state == "passed":
            return "Without local weights of the subject and the assistant a run ends with its dataset."
        return f"So far: {self.headline[0].lower()}{self.headline[1:]}."


def read_standing(folder: RunFolder, info: RunInfo, journal: Journal, name: str | None = None) -> Standing:
    """Where the run stands, from its journal and, while a batch waits, from its review file.

    `name` is how the commands in a message name the run; its id where nothing is given.
    """
    ending = journal.find(Ending, "ending")
    round_number = latest_round(journal)
    state, headline, message = _conclude(folder, info, journal, ending, round_number, name or folder.path.name)
    return Standing(state, headline, message, round_number, _stages(journal, ending))


def latest_round(journal: Journal) -> int:
    """The latest round that has drafts; 0 before the first."""
    rounds = [draft.pair.round for draft in journal.all(Draft).values()]
    rounds += [int(key.split("-")[0]) for key in journal.all(DraftFailure) if key.split("-")[0].isdigit()]
    return max(rounds, default=0)


def _conclude(
    folder: RunFolder, info: RunInfo, journal: Journal, ending: Ending | None, round_number: int, name: str
) -> tuple[State, str, str]:
    if ending is not None and ending.passed:
        return "passed", "Passed both gates", sentence(ending.message)
    if ending is not None:
        gate = ending.gate or "unknown"
        return "failed", f"Failed: {GATE_WORDS.get(gate, f'gate {gate}')}", sentence(ending.message)
    asked = waiting_review(info, journal)
    undecided = _undecided(folder, asked) if asked is not None else None
    if asked is not None and undecided is not None:
        file = review_file(folder, asked).relative_to(folder.path).as_posix()
        return (
            "waiting",
            f"Waits for the review of {asked.title}",
            f"{undecided} Decide with `traitsmith review {name}`, or fill in {file} and go on with "
            f"`traitsmith resume {name}`.",
        )
    doing = _progress(journal, round_number)
    return "open", doing, f"If nothing works on it, `traitsmith resume {name}` goes on."


def _progress(journal: Journal, round_number: int) -> str:
    """What a run that has not ended did last, and what follows."""
    tests = list(journal.all(FreshTest).values())
    if journal.find(SteeringRecord, "steering") is not None:
        return "Steering is measured; the run is being concluded"
    if journal.all(ExtractionRecord):
        return "Directions are read; steering is being measured"
    if journal.find(Questions, "questions") is not None:
        return "Steering questions are written; directions are being read"
    if tests and tests[-1].round == round_number:
        return (
            f"{len(tests[-1].passed)} of {len(tests[-1].pairs)} pairs passed a fresh test; the run goes on from there"
        )
    if str(round_number) in journal.all(RoundRecord):
        return f"Round {round_number} is concluded; what follows is being decided"
    if round_number:
        return f"Round {round_number} is under way"
    return (
        "The trait is defined; the first pairs are being drafted" if _defined(journal) else "The trait is being defined"
    )


def waiting_review(info: RunInfo, journal: Journal) -> ReviewId | None:
    """The review that a person is asked for now; None while nothing waits."""
    if info.review == "none":
        return None
    decided = journal.all(BatchDecision)
    asked = [key for key in journal.all(ReviewAsked) if key not in decided]
    return ReviewId.parse(asked[-1]) if asked else None


def _undecided(folder: RunFolder, id_: ReviewId) -> str | None:
    """What a waiting review lacks, in words; None where its file is not there."""
    if not review_file(folder, id_).exists():
        return None
    try:
        review = read_review(folder, id_)
    except ReviewError as error:
        return f"Its review file cannot be read: {error}"
    return f"{len(review.undecided())} of {len(review.lines)} lines have no decision."


def _stages(journal: Journal, ending: Ending | None) -> tuple[Stage, ...]:
    failed = _failed_stage(journal, ending)
    stages = []
    for name, (done, note) in _progress_by_stage(journal).items():
        state: StageState = "done" if done else "begun" if note else "not done"
        stages.append(Stage(name, "failed" if name == failed else state, note))
    return tuple(stages)


def _failed_stage(journal: Journal, ending: Ending | None) -> str | None:
    """The stage whose gate ended the run."""
    if ending is None or ending.passed:
        return None
    if ending.gate == "weights" and journal.all(ExtractionRecord):
        return "steering"  # The subject's weights were taken; the assistant's are others.
    return STAGE_OF_GATE.get(ending.gate or "")


def _progress_by_stage(journal: Journal) -> dict[str, tuple[bool, str]]:
    """Whether each stage is done, and a word on it; an empty note says that it has not begun."""
    rounds = list(journal.all(RoundRecord).values())
    tests = list(journal.all(FreshTest).values())
    tries, extracted = len(journal.all(Calibration)), len(journal.all(ExtractionRecord))
    questions = journal.find(Questions, "questions")
    steered = journal.find(SteeringRecord, "steering") is not None
    standing = f"{rounds[-1].accepted_total} stand" if rounds else "drafting" if latest_round(journal) else ""
    return {
        "definition": (_defined(journal), f"{tries} calibration{'s' if tries > 1 else ''}" if tries else ""),
        "pairs": (bool(tests), standing),
        "fresh test": (questions is not None, f"{len(tests[-1].passed)} of {len(tests[-1].pairs)}" if tests else ""),
        "questions": (questions is not None, f"{len(questions.questions)} questions" if questions else ""),
        "directions": (bool(extracted), f"{extracted} method{'s' if extracted > 1 else ''}" if extracted else ""),
        "steering": (steered, "measured" if steered else ""),
    }


def _defined(journal: Journal) -> bool:
    return journal.find(TraitRecord, "trait") is not None


def sentence(text: str) -> str:
    """A message as a sentence: capital first, full stop last."""
    text = text.strip()
    return text and text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")
