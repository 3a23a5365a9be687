"""Every prompt as a text file with declared variables and a version, and one strict loader."""

from prompts.loader import Prompt, PromptError, RenderedPrompt, load_prompt, prompt_names, prompt_source

__all__ = ["Prompt", "PromptError", "RenderedPrompt", "load_prompt", "prompt_names", "prompt_source"]
