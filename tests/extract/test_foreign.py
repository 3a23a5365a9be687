"""Directions of other tools: files written here byte by byte, as their formats say."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from extract.foreign import read_directions, with_activation_norms
from extract.gguf import read_gguf
from extract.models import LoadedModel
from extract.vectors import Directions
from lm.errors import UserError

WIDTH = 6


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf(
    rows: dict[str, np.ndarray], architecture: str = "controlvector", kinds: dict[str, int] | None = None
) -> bytes:
    """As repeng writes it: two texts, a number and a list as metadata, tensors aligned to 32 bytes."""
    values = [
        text("general.architecture") + struct.pack("<I", 8) + text(architecture),
        text("controlvector.model_hint") + struct.pack("<I", 8) + text("mistral"),
        text("controlvector.layer_count") + struct.pack("<II", 4, len(rows)),
        text("some.list") + struct.pack("<IIQ3f", 9, 6, 3, 1.0, 2.0, 3.0),
    ]
    infos, data = b"", b""
    for name, row in rows.items():
        kind = (kinds or {}).get(name, 1 if row.dtype == np.float16 else 0)
        infos += text(name) + struct.pack("<I", row.ndim) + struct.pack(f"<{row.ndim}Q", *row.shape[::-1])
        infos += struct.pack("<IQ", kind, len(data))
        data += row.tobytes().ljust(math.ceil(row.nbytes / 32) * 32, b"\0")
    head = b"GGUF" + struct.pack("<IQQ", 3, len(rows), len(values)) + b"".join(values) + infos
    return head.ljust(math.ceil(len(head) / 32) * 32, b"\0") + data


def vectors(seed: int = 0) -> dict[str, np.ndarray]:
    drawn = np.random.default_rng(seed).normal(size=(3, WIDTH)).astype(np.float32)
    return {"direction.2": drawn[0], "direction.1": drawn[1], "direction.12": drawn[2].astype(np.float16)}


def test_a_control_vector(tmp_path: Path) -> None:
    rows = vectors()
    (tmp_path / "v.gguf").write_bytes(gguf(rows))
    found = read_directions(tmp_path / "v.gguf", trait="alignment/x")
    assert found.layers == (1, 2, 12)
    assert (found.provenance.trait, found.provenance.subject) == ("alignment/x", "mistral")
    for layer in found.layers:
        given_row = torch.from_numpy(rows[f"direction.{layer}"].astype(np.float32))
        torch.testing.assert_close(found[layer].vector * found[layer].norm, given_row)
        assert float(found[layer].vector.norm()) == pytest.approx(1, abs=1e-6)
        assert math.isnan(found[layer].activation_norm)


def test_metadata_and_axes(tmp_path: Path) -> None:
    table = np.arange(6, dtype=np.float32).reshape(2, 3)
    (tmp_path / "v.gguf").write_bytes(gguf({"table": table}))
    found = read_gguf(tmp_path / "v.gguf")
    assert found.metadata["some.list"] == [1.0, 2.0, 3.0]
    assert found.metadata["controlvector.layer_count"] == 1
    assert torch.equal(found.tensors["table"], torch.from_numpy(table))


def test_a_persona_tensor_counts_the_embeddings_as_row_0(tmp_path: Path) -> None:
    stack = torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(1))
    torch.save(stack, tmp_path / "evil_prompt_last_diff.pt")
    found = read_directions(tmp_path / "evil_prompt_last_diff.pt")
    assert found.layers == (0, 1, 2)
    assert found.provenance.position == "prompt[-1]"
    torch.testing.assert_close(found.direction * found.norm[:, None], stack[1:])


def test_layers_without_a_direction_are_left_out(tmp_path: Path) -> None:
    torch.save(torch.stack([torch.ones(WIDTH), torch.zeros(WIDTH), torch.ones(WIDTH)]), tmp_path / "v.pt")
    assert read_directions(tmp_path / "v.pt").layers == (1,)


class Harmful:
    def __reduce__(self):
        return (exec, ("raise SystemExit(99)",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": torch.ones(2)}, "holds dict; expected one tensor"),
        (torch.ones(3), "expected one tensor"),
        (torch.ones(3, 4, dtype=torch.int64), "expected one tensor"),
        (torch.zeros(3, 4), "no direction"),
        (torch.full((3, 4), torch.nan), "not finite"),
        (Harmful(), "cannot be read safely|can be read safely"),
    ],
)
def test_other_pt_files_are_refused_and_nothing_in_them_is_run(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "v.pt")
    with pytest.raises(UserError, match=message):
        read_directions(tmp_path / "v.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"pt\x93and more of it", "no GGUF file"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "version 9"),
        (gguf(vectors(), architecture="llama"), "of 'llama', and no control vector"),
        (gguf({"weight.1": vectors()["direction.1"]}), "is no direction"),
        (gguf({"direction.1": np.ones((2, 3), dtype=np.float32)}), "is no direction"),
        (gguf({"direction.1": np.ones(3, dtype=np.float32), "direction.2": np.ones(4, dtype=np.float32)}), "widths"),
        (gguf(vectors(), kinds={"direction.1": 2}), "only float32"),
        (gguf({}), "no direction"),
    ],
)
def test_other_gguf_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "v.gguf").write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_directions(tmp_path / "v.gguf")


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_one_clear_error(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = bytearray(gguf(vectors()))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.gguf"
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        found = read_directions(file)
    except UserError as error:
        assert str(file) in str(error)
        return
    assert all(float(one.vector.norm()) == pytest.approx(1, abs=1e-3) for one in found)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("1 2 3")
    with pytest.raises(UserError, match=r"ends in '.txt'"):
        read_directions(tmp_path / "v.txt")
    with pytest.raises(UserError, match="no file of directions"):
        read_directions(tmp_path / "none.gguf")


def test_activation_norms_are_measured(llama: LoadedModel, tmp_path: Path) -> None:
    torch.save(torch.randn(llama.n_layers + 1, llama.d_model), tmp_path / "v.pt")
    read = read_directions(tmp_path / "v.pt", trait="a/b", subject=llama.reference)
    found = with_activation_norms(llama, read, ["Is it safe?", "A longer text of it."])
    assert Directions.load(found.save(tmp_path)) == found
    assert bool((found.activation_norm > 0).all())
    ids = llama.encode("Is it safe?")
    alone = with_activation_norms(llama, found, ["Is it safe?"])
    with torch.no_grad():
        hidden = llama.model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[1]
    assert alone[0].activation_norm == pytest.approx(
        float(hidden[0, llama.leading(ids) :].norm(dim=-1).mean()), rel=1e-4
    )
    with pytest.raises(UserError, match="no texts"):
        with_activation_norms(llama, found, [])
