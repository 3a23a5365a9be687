"""`traitsmith monitor`: a text, or a text that the model is writing, token by token on directions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from rich.console import Console
from rich.text import Text

from agent.cli.options import AsJson
from lm.errors import UserError

if TYPE_CHECKING:
    from extract.models import LoadedModel
    from extract.vectors import Direction
    from lm.types import Prompt
    from steer.operators import Push
    from steer.projection import Projections, Reading, Scale


def monitor(
    text: Annotated[str, typer.Argument(help="The text to read or to answer; '-' for standard input.", metavar="TEXT")],
    vectors: Annotated[list[Path], typer.Option(help="Directions; may be given again for another trait.")],
    model: Annotated[str, typer.Option(help="Model that reads; it needs weights.")] = "organism",
    layers: Annotated[str, typer.Option(help="all, 3,5, 20:60:2 or 30%-60%. [default: the best held-out layer]")] = "",
    response: Annotated[str | None, typer.Option(help="What followed the text, when nothing is to be written.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Let the model go on, and read it live.")] = False,
    chat: Annotated[bool, typer.Option("--chat", help="The text is a user's turn in a chat.")] = False,
    max_tokens: Annotated[int, typer.Option(min=1, help="New tokens with --write.")] = 48,
    push: Annotated[
        float | None, typer.Option(help="With --write: push along the first direction, in activation norms.")
    ] = None,
    scale: Annotated[str, typer.Option(help="raw, norm or cosine.")] = "cosine",
    html: Annotated[Path | None, typer.Option(help="Also write an HTML page.")] = None,
    as_json: AsJson = False,
) -> None:
    """Colour each token by how far it lies along directions: red along, blue against."""
    from extract import load_model
    from steer.projection import Scale, gather, project

    if (unit := next((one for one in get_args(Scale) if one == scale), None)) is None:
        raise UserError(f"--scale {scale!r}: allowed are {', '.join(get_args(Scale))}.")
    if write and response is not None:
        raise UserError("--write and --response exclude each other: the model writes, or its words are given.")
    if push is not None and not write:
        raise UserError("--push changes what the model writes: give --write too.")
    loaded = load_model(model)
    prompt = _prompt(typer.get_text_stream("stdin").read() if text == "-" else text, chat)
    chosen = [one for file in vectors for one in _directions(loaded, file, layers)]
    names = [one.trait or "direction" for one in chosen]
    console = Console(stderr=as_json)
    if write:
        readings = _write_live(console, loaded, prompt, chosen, max_tokens, _pushes(chosen[0], push))
        found = gather(loaded, readings, chosen)
    else:
        found = project(loaded, prompt, chosen, response=response or ())
    if html is not None:
        _write_page(html, found, names, unit)
    if as_json:
        print(json.dumps(_as_json(found, names, unit)))
        return
    if not write:
        _show(console, found, names, unit)
    if html is not None:
        console.print(f"page {html}", highlight=False, soft_wrap=True)


def _prompt(text: str, chat: bool) -> "Prompt":
    from lm.types import Message

    if not text.strip():
        raise UserError("The text is empty.")
    return (Message(role="user", content=text),) if chat else text


def _directions(model: "LoadedModel", file: Path, layers: str) -> list["Direction"]:
    """Directions of the layers asked for; the best held-out one, or the one at 40 % of the depth, by default."""
    from extract import read_directions
    from extract.layers import parse_layers

    found = read_directions(file)
    if not layers:
        middle = min(found.layers, key=lambda layer: abs(layer - 0.4 * model.n_layers))
        return [found[found.best_layer if found.provenance.held_out else middle]]
    wanted = [layer for layer in parse_layers(layers, model.n_layers) if layer in found.layers]
    if not wanted:
        raise UserError(f"--layers {layers!r}: {file} has layers {', '.join(map(str, found.layers))}.")
    return [found[layer] for layer in wanted]


def _pushes(direction: "Direction", norms: float | None) -> tuple["Push", ...]:
    from steer.operators import Push

    return () if norms is None else (Push(direction, norms=norms),)


def _write_live(
    console: Console,
    model: "LoadedModel",
    prompt: "Prompt",
    directions: Sequence["Direction"],
    max_tokens: int,
    pushes: Sequence["Push"],
) -> list["Reading"]:
    """Show the text on the first direction's colours as it grows; returns all that was read."""
    from steer.heat import FULL_COLOUR
    from steer.projection import watch

    readings = []
    for reading in watch(model, prompt, directions, max_tokens=max_tokens, pushes=pushes):
        share = float(reading.values[0] / reading.norms[0].clamp(min=1e-12))
        console.print(_coloured(reading.piece, share, FULL_COLOUR["cosine"] or 1.0, reading.is_prompt), end="")
        readings.append(reading)
    console.print()
    return readings


def _show(console: Console, found: "Projections", names: Sequence[str], scale: "Scale") -> None:
    from steer.heat import full_colour

    full = full_colour(found, scale)
    for name, layer, column in zip(names, found.layers, found.scaled(scale).T.tolist(), strict=True):
        console.print(f"{name} · layer {layer} · {scale}, full colour at {full:.3g}", highlight=False, style="bold")
        line = Text()
        for place, (piece, value) in enumerate(zip(found.pieces, column, strict=True)):
            line.append_text(_coloured(piece, value, full, place < found.prompt))
        console.print(line)


def _coloured(piece: str, value: float, full: float, is_prompt: bool) -> Text:
    """A piece without control characters, which would steer the terminal."""
    from steer.heat import heat_colour, ink

    back = heat_colour(value, full)
    style = f"rgb({','.join(map(str, ink(back)))}) on rgb({','.join(map(str, back))})"
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "·" for letter in piece)
    return Text(shown, style=f"{style} underline" if is_prompt else style)


def _write_page(file: Path, found: "Projections", names: Sequence[str], scale: "Scale") -> None:
    from agent.folder import write_atomically
    from steer.heat import heat_page

    try:
        write_atomically(file, heat_page(found, names, scale=scale, title=", ".join(dict.fromkeys(names))))
    except OSError as error:
        raise UserError(f"--html {str(file)!r} cannot be written: {error.strerror}.") from error


def _as_json(found: "Projections", names: Sequence[str], scale: "Scale") -> dict[str, Any]:
    return {
        "scale": scale,
        "prompt_tokens": found.prompt,
        "tokens": list(found.pieces),
        "token_ids": list(found.token_ids),
        "directions": [
            {"trait": name, "layer": layer, "values": column}
            for name, layer, column in zip(names, found.layers, found.scaled(scale).T.tolist(), strict=True)
        ],
    }
