"""From a reference to a model; each provider's libraries are loaded only when it is asked for."""

from pathlib import Path

from lm.references import ModelReference, parse_reference
from lm.types import Model


def open_model(reference: str) -> Model:
    """The model that `reference` names.

    Raises ModelReferenceError when the reference is malformed, or names a checkpoint or file that cannot be read.
    """
    parsed = parse_reference(reference)
    if parsed.provider == "scripted":
        from lm.scripted import ScriptedModel

        return ScriptedModel.from_file(Path(parsed.name).expanduser())
    if parsed.provider == "inbox":
        from lm.inbox import InboxModel

        return InboxModel(Path(parsed.name).expanduser(), str(parsed))
    if parsed.provider == "vllm" and parsed.url is None:
        from lm.engine.model import EngineModel

        return EngineModel(parsed)
    if parsed.provider in ("openai", "vllm"):
        from lm.remote.openai import OpenAIModel

        return OpenAIModel(parsed)
    if parsed.provider == "anthropic":
        from lm.remote.anthropic import AnthropicModel

        return AnthropicModel(parsed)
    return _open_local(parsed)


def _open_local(reference: ModelReference) -> Model:
    from lm.local.checkpoint import load_checkpoint
    from lm.local.model import LocalModel

    return LocalModel(str(reference), load_checkpoint(reference))
