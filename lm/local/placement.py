"""Where weights go and in which numbers, as a reference says it."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import torch

from lm.errors import ModelReferenceError
from lm.references import ModelReference

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Placement:
    """A device, a type of numbers, and what transformers is told where it places the weights itself."""

    device: torch.device
    """The first one, where there are several."""
    dtype: torch.dtype
    arguments: dict[str, Any] = field(default_factory=dict)


def find_placement(reference: ModelReference) -> Placement:
    """By default float32 on the processor, bfloat16 elsewhere. ModelReferenceError for what is not possible here."""
    given = reference.options
    spread, quant = given.get("device") == "auto", given.get("quant")
    usual = "cuda" if torch.cuda.is_available() else "cpu"
    device = _device(reference, usual if spread else given.get("device", "cpu"))
    dtype = _DTYPES[given.get("dtype", "fp32" if device.type == "cpu" else "bf16")]
    if spread:
        _need(reference, "accelerate", "gpus")
    if quant is None:
        return Placement(device, dtype, {"device_map": "auto"} if spread else {})
    _need(reference, "bitsandbytes", "quant")
    _need(reference, "accelerate", "quant")
    from transformers import BitsAndBytesConfig

    numbers = BitsAndBytesConfig(
        load_in_4bit=quant == "4bit",
        load_in_8bit=quant == "8bit",
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
    )
    place = "auto" if spread else {"": device}
    return Placement(device, dtype, {"device_map": place, "quantization_config": numbers})


def _device(reference: ModelReference, name: str) -> torch.device:
    device = torch.device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelReferenceError(f"{str(reference)!r}: there is no device {name!r} here: {error}") from error
    return device


def _need(reference: ModelReference, package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise ModelReferenceError(
            f"{str(reference)!r} needs {package}, which is not installed here: pip install 'traitsmith[{extra}]'."
        )
