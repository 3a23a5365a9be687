"""Other programs' files: what is written is read again."""

import errno
import os
import struct
from pathlib import Path

import pytest
import torch

from extract.exports import export_gguf, export_persona
from extract.foreign import read_directions
from lm.errors import UserError
from tests.extract.test_vectors import make_directions


def test_gguf_round_trip_leaves_layer_0_out(tmp_path: Path) -> None:
    directions = make_directions(layers=(0, 1, 5), width=7)
    found = read_directions(export_gguf(directions, tmp_path / "a.gguf", model_hint="llama"))
    assert found.layers == (1, 5)
    torch.testing.assert_close(found.raw, directions.raw[1:])
    assert found.provenance.subject == "llama"


def test_gguf_bytes_are_as_the_format_says(tmp_path: Path) -> None:
    data = export_gguf(make_directions(layers=(3,)), tmp_path / "a.gguf", model_hint="llama").read_bytes()
    magic, version, tensors, pairs = struct.unpack("<4sIQQ", data[:24])
    assert (magic, version, tensors, pairs) == (b"GGUF", 3, 1, 4)
    length, name = struct.unpack("<Q", data[24:32])[0], data[32:52]
    assert (length, name) == (20, b"general.architecture")
    assert len(data) % 32 == 0
    values = torch.frombuffer(bytearray(data[-32:]), dtype=torch.float32)
    torch.testing.assert_close(values, make_directions(layers=(3,)).raw[0])


def test_gguf_needs_a_layer_and_the_residual_stream(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no control vector for layer 0"):
        export_gguf(make_directions(layers=(0,)), tmp_path / "a.gguf", model_hint="llama")


def test_what_lies_there_stands_where_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "a.pt"
    file.write_text("older")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left"):
        export_persona(make_directions(), file)
    with pytest.raises(UserError, match="it is a folder"):
        export_gguf(make_directions(), tmp_path, model_hint="llama")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.pt", "older")]


def test_persona_round_trip(tmp_path: Path) -> None:
    directions = make_directions()
    file = export_persona(directions, tmp_path / "vector.pt")
    stored = torch.load(file, weights_only=True)
    assert stored.shape == (4, 8)
    torch.testing.assert_close(read_directions(file).raw, directions.raw)
    with pytest.raises(UserError, match=r"all layers from 0 on; these are \[4, 8\]"):
        export_persona(make_directions(layers=(4, 8)), tmp_path / "b.pt")
