"""`traitsmith doctor`: what is installed, which models answer, what they can do."""

import asyncio
import json
import sys
from contextlib import suppress
from importlib import metadata
from typing import Annotated, Any

import typer
from rich.console import Console

from agent.cli.options import AsJson
from agent.spec import ROLES
from lm.errors import TraitsmithError
from lm.types import Capabilities

PACKAGES = ("traitsmith", "torch", "transformers", "langgraph", "openai", "anthropic", "vllm")

Models = Annotated[
    list[str] | None, typer.Argument(help="Model references to ask. [default: organism]", metavar="[MODEL]...")
]


def doctor(models: Models = None, as_json: AsJson = False) -> None:
    """Show what is installed, and ask models what they can do; exit 2 when one does not answer."""
    findings = asyncio.run(_examine_all(models or ["organism"]))
    installed = {"python": sys.version.split()[0], **{name: _version(name) for name in PACKAGES}}
    if as_json:
        print(json.dumps({"installed": installed, "models": findings}))
    else:
        _show(Console(), installed, findings)
    if any(finding["error"] for finding in findings):
        raise typer.Exit(2)


async def _examine_all(references: list[str]) -> list[dict[str, Any]]:
    return [await _examine(reference) for reference in references]


async def _examine(reference: str) -> dict[str, Any]:
    """One model: what it says it can do and the roles that suffices for, or why it cannot be asked."""
    from agent.cast import needs
    from lm import open_model
    from lm.judge import backend_of

    try:
        model = open_model(reference)
        try:
            able: Capabilities = await model.capabilities()
        finally:
            await model.close()
    except TraitsmithError as error:
        return {"model": reference, "error": str(error)}
    lacks = {role: [what for what, given in needs(role, able).items() if not given] for role in ROLES}
    return {
        "model": reference,
        "error": None,
        "context": able.context,
        "chat": able.chat,
        "structured": able.structured,
        "completes": able.completes,
        "probabilities": able.probabilities,
        "judge": {
            "backend": backend_of(able),
            "scale": [able.scale[0].strip(), able.scale[-1].strip()] if able.scale else None,
        },
        "traits": able.traits,
        "roles": [role for role in ROLES if not lacks[role]],
        "lacks": {role: what for role, what in lacks.items() if what},
    }


def _show(console: Console, installed: dict[str, str | None], findings: list[dict[str, Any]]) -> None:
    def say(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True, markup=False)

    say("installed: " + ", ".join(f"{name} {version}" for name, version in installed.items() if version))
    if missing := [name for name, version in installed.items() if not version]:
        say(f"not installed: {', '.join(missing)}")
    for found in findings:
        say("")
        if found["error"]:
            say(f"✕ {found['model']}\n  {found['error']}")
            continue
        scale, judge = found["judge"]["scale"], found["judge"]["backend"]
        say(f"✓ {found['model']}")
        say(f"  holds {found['context']:,} tokens; {_abilities(found)}")
        say(f"  as judge: {judge}" + (f" of the labels {scale[0]} to {scale[1]}" if scale else ""))
        if found["traits"] is not None:
            say(f"  knows only: {', '.join(found['traits'])}")
        say(f"  can be: {', '.join(found['roles']) or 'nothing'}")
        for role, what in found["lacks"].items():
            say(f"  cannot be the {role}: it lacks {' and '.join(what)}")


def _abilities(found: dict[str, Any]) -> str:
    words = {"chat": "chats", "structured": "structured output", "completes": "continues plain texts"}
    able = [word for name, word in words.items() if found[name]]
    return ", ".join([*able, f"probabilities: {found['probabilities']}"])


def _version(package: str) -> str | None:
    """The version of a package, or of its build for the CPU."""
    for name in (package, f"{package}-cpu"):
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None
