import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.positions import FRAMES, Position, PositionError

ends = st.none() | st.integers(-99, 99)
positions = st.builds(Position, frame=st.sampled_from(FRAMES), turn=ends, start=ends, stop=ends) | st.builds(
    Position, frame=st.sampled_from(FRAMES), turn=ends, index=st.integers(-99, 99)
)


@given(positions)
def test_round_trip(position: Position) -> None:
    assert Position.parse(str(position)) == position


@given(st.text(max_size=20))
def test_any_text_parses_or_says_why(text: str) -> None:
    try:
        assert Position.parse(str(Position.parse(text))) == Position.parse(text)
    except PositionError as error:
        assert "is no position" in str(error)


@given(positions, st.integers(1, 9), st.integers(0, 9))
def test_resolves_as_python_slices_do(position: Position, prompt: int, response: int) -> None:
    plain = position.model_copy(update={"turn": None})
    if plain.frame not in ("prompt", "response", "all"):
        return
    tokens = [("leading", 0), *(("prompt", n) for n in range(prompt - 1)), *(("response", n) for n in range(response))]
    frame = [token for token in tokens if token[0] == plain.frame or (plain.frame == "all" and token[0] != "leading")]
    if plain.index is None:
        expected = frame[plain.start : plain.stop]
    else:
        expected = [frame[plain.index]] if -len(frame) <= plain.index < len(frame) else []
    assert [tokens[place] for place in plain.resolve(prompt, response, leading=1)] == expected


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("response[:5]", [6, 7, 8, 9]),
        ("response[:]", [6, 7, 8, 9]),
        ("response[-1]", [9]),
        ("response[9]", []),
        ("prompt[-1]", [5]),
        ("prompt[0]", [1]),
        ("all[:]", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_places(text: str, places: list[int]) -> None:
    assert list(Position.parse(text).resolve(6, 4, leading=1)) == places


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("respnse[:5]", "Did you mean 'response\\[:5\\]'"),
        ("response", "Did you mean 'response\\[:\\]'"),
        ("response[a:b]", "'a:b' is no slice"),
        ("response[::2]", "'::2' is no slice"),
        ("", "expected a frame"),
    ],
)
def test_errors_help(text: str, message: str) -> None:
    with pytest.raises(PositionError, match=message):
        Position.parse(text)


@pytest.mark.parametrize("text", ["thinking[:]", "turn[-1]:response[:]", "system[0]"])
def test_frames_of_chats_need_turn_boundaries(text: str) -> None:
    with pytest.raises(PositionError, match="needs the turns of a chat"):
        Position.parse(text).resolve(5, 5)
