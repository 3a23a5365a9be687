"""Which weights a folder holds, whatever it is called: a digest of every file that decides what a model writes."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_DECIDING = (
    "*.safetensors",
    "*.bin",
    "*.model",
    "*.jinja",
    "config.json",
    "adapter_config.json",
    "generation_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
)
"""Weights, tokenizer and templates; a card beside them may change without changing an answer."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def identity_of(folder: Path) -> str:
    """SHA-256 over names and contents; a file that has not been touched since is read once in a process."""
    whole = hashlib.sha256()
    for file in _deciding(folder):
        whole.update(f"{file.name}\0{_digest(file)}\n".encode())
    return whole.hexdigest()


def _deciding(folder: Path) -> Iterator[Path]:
    """The files that count, by name."""
    found = {file for pattern in _DECIDING for file in folder.glob(pattern) if file.is_file()}
    return iter(sorted(found, key=lambda file: file.name))


def _digest(file: Path) -> str:
    """SHA-256 of a file; the hub's cache has it in the name of what it links to."""
    target = file.resolve()
    if target != file and target.parent.name == "blobs" and _DIGEST.fullmatch(target.name):
        return target.name
    now = target.stat()
    return _read_digest(target, now.st_size, now.st_mtime_ns)


@cache
def _read_digest(file: Path, _size: int, _changed: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
