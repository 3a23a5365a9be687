"""A real vLLM server that serves the organism, started once for all tests of this folder (see `make vllm`)."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import resources
from pathlib import Path
from urllib.error import URLError

import pytest

from lm.open import open_model
from lm.types import Model

ENVIRONMENT = Path(__file__).parents[2] / ".venv-vllm"
WEIGHTS = Path(str(resources.files("lm.organism").joinpath("weights")))
SETTINGS = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
PATIENCE = 240
"""Seconds that a start may take."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, without /v1."""
    if not (ENVIRONMENT / "ready").exists():
        pytest.skip("there is no vLLM here: `make vllm` installs one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm") / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(_command(port), env={**os.environ, **SETTINGS}, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
async def opened() -> AsyncIterator[Callable[[str], Model]]:
    """Opens models by reference; they are closed when the test ends."""
    models: list[Model] = []

    def open_and_keep(reference: str) -> Model:
        models.append(open_model(reference))
        return models[-1]

    yield open_and_keep
    for model in models:
        await model.close()


def _command(port: int) -> list[str]:
    # Compact JSON by the grammars that the local model uses too: a small model fills its answer with blanks otherwise.
    structure = '{"backend": "guidance", "disable_any_whitespace": true}'
    options = {
        "--model": str(WEIGHTS),
        "--served-model-name": "organism",
        "--host": "127.0.0.1",
        "--port": str(port),
        "--dtype": "float32",
        "--max-model-len": "1024",
        "--generation-config": "vllm",
        "--structured-outputs-config": structure,
    }
    flat = [word for option in options.items() for word in option]
    return [str(ENVIRONMENT / "bin/python"), "-m", "vllm.entrypoints.openai.api_server", *flat, "--enforce-eager"]


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
        except (URLError, OSError):
            time.sleep(1)
        else:
            return
    raise TimeoutError(log.read_text()[-3000:])
