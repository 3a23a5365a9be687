"""A line of a review as a text to be edited, and back: what a person's editor shows."""

import tomllib

import tomli_w
from pydantic import ValidationError

from agent.errors import ReviewError
from agent.review.schema import DefinitionLine, PairLine
from agent.spec import Definition
from extract.trait import SIDES
from lm.faults import first_fault

PAIR_HEAD = "# Change either text, save and close; a file that is left as it was changes nothing.\n"
DEFINITION_HEAD = "# Change what should read differently, save and close. This is TOML: keep the quotation marks.\n"


def as_editable(line: PairLine | DefinitionLine) -> str:
    """The line's texts as a small file."""
    if isinstance(line, DefinitionLine):
        given = line.definition.model_dump(mode="json", by_alias=True, exclude_none=True)
        return f"{DEFINITION_HEAD}\n{tomli_w.dumps(given)}"
    return "\n".join([PAIR_HEAD, *(f"{side}:\n{line.scenario(side)}\n" for side in SIDES)])


def from_editable(line: PairLine | DefinitionLine, text: str) -> PairLine | DefinitionLine:
    """The line with the texts of an edited file; ReviewError where the file cannot be read."""
    if isinstance(line, DefinitionLine):
        return line.model_copy(update={"definition": _read_definition(text)})
    return line.model_copy(update=_read_scenarios(line, text))


def _read_definition(text: str) -> Definition:
    try:
        return Definition.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ReviewError(f"the edited definition is not TOML: {error}.") from error
    except ValidationError as error:
        raise ReviewError(f"the edited definition: {first_fault(error)}.") from error


def _read_scenarios(line: PairLine, text: str) -> dict[str, str]:
    """What stands below each side's name; breaks that an editor made within a scenario become spaces."""
    found: dict[str, list[str]] = {}
    for row in text.splitlines():
        name = row.strip().removesuffix(":")
        if row.strip() != name and name in SIDES and name not in found:
            found[name] = []
        elif found:
            found[next(reversed(found))].append(row.strip())
    if missing := [side for side in SIDES if side not in found]:
        raise ReviewError(
            f"the edited file has no line '{missing[0]}:'. Keep both names; a scenario stands below each."
        )
    texts = {side: " ".join(row for row in found[side] if row) for side in SIDES}
    return {side: line.scenario(side) if text == line.scenario(side).strip() else text for side, text in texts.items()}
