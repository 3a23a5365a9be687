import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.layers import parse_layers
from lm.errors import UserError


@pytest.mark.parametrize(
    ("text", "n_layers", "layers"),
    [
        ("20:60:2", 80, tuple(range(20, 61, 2))),
        ("30%-60%", 11, (3, 4, 5, 6)),
        ("0%-100%", 4, (0, 1, 2, 3)),
        ("all", 3, (0, 1, 2)),
        ("7", 8, (7,)),
        ("5, 1:2", 8, (1, 2, 5)),
        ("all,2", 3, (0, 1, 2)),
        ("0%-0%", 1, (0,)),
    ],
)
def test_layers(text: str, n_layers: int, layers: tuple[int, ...]) -> None:
    assert parse_layers(text, n_layers) == layers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("8", "there is no layer 8"),
        ("2:99999999999", "there is no layer 99999999999"),
        ("5:2", "no layer lies there"),
        ("60%-30%", "no layer lies there"),
        ("30%-600%", "goes beyond 100 %"),
        ("101%-102%", "goes beyond 100 %"),
        ("1:4:0", "steps of 0"),
        ("", "neither a number nor a range"),
        ("-1", "neither a number nor a range"),
        ("1-3", "neither a number nor a range"),
        ("30-60%", "neither a number nor a range"),
    ],
)
def test_what_names_no_layers(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        parse_layers(text, 8)
    assert "this model has layers 0 to 7" in str(error.value)


@given(st.text(alphabet="0123456789:%-,al .", max_size=12), st.integers(1, 30))
def test_any_text_is_layers_of_the_model_or_refused(text: str, n_layers: int) -> None:
    try:
        found = parse_layers(text, n_layers)
    except UserError:
        return
    assert found == tuple(sorted(set(found)))
    assert set(found) <= set(range(n_layers))
    assert found


@given(st.integers(0, 9), st.integers(0, 9), st.integers(1, 4))
def test_ranges_hold_both_ends(start: int, length: int, step: int) -> None:
    stop = start + length * step
    assert parse_layers(f"{start}:{stop}:{step}", 100) == tuple(range(start, stop + 1, step))
