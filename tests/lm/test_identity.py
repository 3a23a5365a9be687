"""Which weights answer is part of a stored answer's key: a folder's name says nothing about what lies in it."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
import torch

from lm.calls import CallStore
from lm.local.checkpoint import Checkpoint
from lm.local.identity import identity_of
from lm.open import open_model
from lm.recorded import Recorded
from lm.types import Request, Sampling


@pytest.fixture
def folder(tmp_path: Path, checkpoint: Checkpoint) -> Path:
    """A checkpoint on disk."""
    path = tmp_path / "weights"
    checkpoint.model.save_pretrained(path)
    checkpoint.tokenizer.save_pretrained(path)
    (path / "card.json").write_text("{}")
    return path


def test_every_file_that_decides_counts_and_no_other(folder: Path, tmp_path: Path):
    before = identity_of(folder)
    assert identity_of(Path(shutil.copytree(folder, tmp_path / "elsewhere"))) == before
    for file in sorted(folder.iterdir()):
        kept = file.read_bytes()
        file.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        os.utime(file, ns=(1, file.stat().st_mtime_ns + 1))
        assert (identity_of(folder) == before) == (file.name == "card.json"), file.name
        file.write_bytes(kept)
        os.utime(file, ns=(1, file.stat().st_mtime_ns + 2))
    assert identity_of(folder) == before


def test_a_link_into_the_hubs_cache_is_taken_at_its_name(tmp_path: Path):
    snapshot, blobs = tmp_path / "snapshots/abc", tmp_path / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain/model.safetensors").write_bytes(b"weights")
    blob = blobs / hashlib.sha256(b"weights").hexdigest()
    blob.write_bytes(b"not read")
    (snapshot / "model.safetensors").symlink_to(blob)
    assert identity_of(snapshot) == identity_of(tmp_path / "plain")


async def test_other_weights_under_the_same_reference_are_asked_anew(folder: Path, tmp_path: Path, checkpoint):
    store = CallStore(tmp_path / "store.sqlite")
    requests = [Request(prompt="I knew", sampling=Sampling(max_tokens=8, temperature=0))]

    async def answer() -> str:
        return (await Recorded(open_model(f"hf:{folder}"), store, role="subject").complete(requests))[0].text

    first = await answer()
    assert await answer() == first
    kept = folder.with_name("kept")
    shutil.copytree(folder, kept)
    with torch.no_grad():
        other = type(checkpoint.model)(checkpoint.model.config)
    other.save_pretrained(folder)
    assert await answer() != first
    assert store.usage()[0].calls == 2
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    assert await answer() == first
    assert store.usage()[0].calls == 2
    store.close()
