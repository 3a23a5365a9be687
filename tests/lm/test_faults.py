"""What pydantic refused, in words."""

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lm.faults import SHOWN, faults_of, first_fault, shortened


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = Field(gt=0)
    name: str = "a"

    @model_validator(mode="after")
    def check(self) -> "Row":
        if self.name == "b":
            raise ValueError("b is taken")
        return self


class Table(BaseModel):
    rows: list[Row]


def refused(value: object) -> ValidationError:
    with pytest.raises(ValidationError) as raised:
        Table.model_validate(value)
    return raised.value


def test_place_fault_and_value_are_told() -> None:
    error = refused({"rows": [{"count": 1}, {"count": 0}]})
    assert first_fault(error) == "rows.1.count: Input should be greater than 0, got 0"


def test_every_fault_is_told_and_unknown_fields_by_name() -> None:
    error = refused({"rows": [{"count": -1, "colour": "red"}]})
    assert list(faults_of(error)) == [
        "rows.0.count: Input should be greater than 0, got -1",
        "rows.0.colour: unknown field, got 'red'",
    ]


def test_a_whole_table_is_not_shown() -> None:
    assert first_fault(refused({"rows": [{}]})) == "rows.0.count: Field required"
    assert first_fault(refused({"rows": [{"count": 1, "name": "b"}]})) == "rows.0: b is taken"


def test_what_lies_in_no_field_is_named_as_told() -> None:
    assert first_fault(refused(3), "the line").startswith("the line: Input should be")


def test_long_values_are_cut() -> None:
    assert shortened("x" * 200) == "'" + "x" * (SHOWN - 4) + "..."
    assert shortened([1, 2]) == "[1, 2]"
