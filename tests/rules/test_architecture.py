"""The architecture as tests: who may import whom, and what must stay out of where."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("prompts", "lm", "extract", "steer", "agent")
"""From the ground up: a package imports its own floor and those below."""


def modules() -> Iterator[tuple[str, Path]]:
    for package in FLOORS:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imported(file: Path, *, at_import_only: bool = False) -> set[str]:
    """Dotted names a file imports; with `at_import_only` those of TYPE_CHECKING blocks and functions are left out."""
    names = set()
    for node in _nodes(ast.parse(file.read_text()), at_import_only):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _nodes(tree: ast.AST, at_import_only: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if at_import_only and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if at_import_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _nodes(node, at_import_only)


def test_imports_point_down():
    for name, file in modules():
        floor = FLOORS.index(name.split(".")[0])
        above = {root for root in {target.split(".")[0] for target in imported(file)} if root in FLOORS[floor + 1 :]}
        assert not above, f"{name} imports {above}, which lies above it"


def test_there_are_no_import_cycles():
    known = dict(modules())
    edges = {
        name: {t for t in imported(file, at_import_only=True) if t in known} - {name} for name, file in known.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"import cycle: {' -> '.join((*path, name))}"
        if name not in done:
            for target in edges[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize(
    ("library", "allowed"),
    [
        ("langgraph", {"agent.graph", "agent.checkpoints"}),
        ("langchain_core", {"agent.graph", "agent.checkpoints"}),
        ("openai", {"lm"}),
        ("anthropic", {"lm"}),
        ("httpx", {"lm"}),
        ("httpx2", {"lm"}),
        ("requests", {"lm"}),
        ("urllib.request", {"lm"}),
        ("fastapi", {"agent.review", "agent.cli"}),
        ("uvicorn", {"agent.review", "agent.cli"}),
        ("vllm", {"lm", "extract.vllm", "steer.vllm"}),
        ("pickle", set()),
        ("typer", {"agent.cli"}),
    ],
)
def test_fences(library: str, allowed: set[str]):
    for name, file in modules():
        if any(name == place or name.startswith(f"{place}.") for place in allowed):
            continue
        found = [target for target in imported(file) if target == library or target.startswith(f"{library}.")]
        assert not found, f"{name} imports {found}"


@pytest.mark.parametrize("package", ["prompts", "lm", "extract", "steer", "agent"])
def test_importing_a_package_loads_nothing_heavy(package: str):
    code = (
        f"import sys, {package}\n"
        "heavy = {'torch', 'transformers', 'langgraph', 'openai', 'anthropic', 'sklearn', 'matplotlib'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize("package", ["prompts", "lm", "extract", "steer"])
def test_public_names_exist_and_no_others(package: str):
    module = __import__(package)
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError):
        module.no_such_name  # noqa: B018


def test_the_importable_surface_is_as_promised():
    from extract import Directions, Pair, Trait, extract_directions, load_dataset, load_model
    from lm import Judge, open_model
    from steer import Push, project, search, steered

    assert all((Directions, Pair, Trait, extract_directions, load_dataset, load_model))
    assert all((Judge, open_model, Push, project, search, steered))


def test_datasets_is_data_only():
    assert not list((ROOT / "datasets").rglob("__init__.py")), "it would shadow Hugging Face datasets"


def test_only_the_command_line_prints():
    for name, file in modules():
        if name.startswith("agent.cli") or "__main__" in file.read_text():
            continue
        calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
        assert not any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls), f"{name} prints"


def test_the_product_never_imports_the_organisms_world():
    for name, file in modules():
        if not name.startswith("lm.organism"):
            assert not any(t.startswith("lm.organism.") for t in imported(file)), f"{name} imports the world"


def test_no_module_branches_on_a_trait():
    """A trait's name is data: outside the organism's world no line of code knows one."""
    for name, file in modules():
        if name.startswith("lm.organism."):
            continue
        strings = {
            node.value
            for node in ast.walk(_without_docstrings(ast.parse(file.read_text())))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        named = [s for s in strings if "performative_confidence" in s or s.endswith("strategic_omission")]
        assert not named, f"{name} names a trait: {named}"


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def test_every_package_is_listed_for_the_wheel():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    there = {".".join(f.parent.relative_to(ROOT).parts) for p in FLOORS for f in (ROOT / p).rglob("__init__.py")}
    assert listed == there
