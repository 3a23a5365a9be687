"""Start a real vLLM server that serves the organism, for tests and benchmarks (see `make vllm`)."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from urllib.error import URLError

ROOT = Path(__file__).parents[2]
WEIGHTS = Path(str(resources.files("lm.organism").joinpath("weights")))
CONTEXT: int = json.loads((WEIGHTS / "config.json").read_text())["max_position_embeddings"]
IN_PROCESS = f"vllm:{WEIGHTS}?memory=0.1"
"""The organism on an engine in this process."""
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
"""Little memory, and nothing beyond this machine."""
PATIENCE = 600
"""Seconds that a start may take."""


@contextmanager
def serving(log: Path, *, weights: Path = WEIGHTS, name: str = "organism", key: str | None = None) -> Iterator[str]:
    """The address of a server, without /v1; it runs until the block ends and writes its log to a file.

    It serves `weights` under `name`, to whoever has the `key`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("w") as output:
        environment = {**os.environ, **SETTINGS, **({"VLLM_API_KEY": key} if key else {})}
        process = subprocess.Popen(_command(port, weights, name), env=environment, stdout=output, stderr=output)
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _command(port: int, weights: Path, name: str) -> list[str]:
    # Compact JSON by the grammars that the local model uses too: a small model fills its answer with blanks otherwise.
    structure = '{"backend": "guidance", "disable_any_whitespace": true}'
    options = {
        "--model": str(weights),
        "--served-model-name": name,
        "--host": "127.0.0.1",
        "--port": str(port),
        "--dtype": "float32",
        "--generation-config": "vllm",
        "--structured-outputs-config": structure,
    }
    flat = [word for option in options.items() for word in option]
    # A prompt read in pieces makes vLLM 0.32 wind back a random generator, which on a CPU kills the engine.
    switches = ["--enforce-eager", "--no-enable-chunked-prefill", "--enable-prompt-tokens-details"]
    return [sys.executable, "-m", "vllm.entrypoints.openai.api_server", *flat, *switches]


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
