"""Where activations are put: in memory, or in a safetensors file that is mapped into memory, for sets of any size."""

import json
import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lm.errors import UserError

NAME = "rows"


def new_store(shape: Sequence[int], file: Path | None) -> Tensor:
    """A float32 tensor of zeros; with `file` its values lie there, a safetensors file of the one tensor `rows`.

    The file is readable by any safetensors reader once the tensor is gone. Raises UserError where it cannot be made.
    """
    if file is None or prod(shape) == 0:
        return torch.zeros(*shape)
    header = json.dumps({NAME: {"dtype": "F32", "shape": list(shape), "data_offsets": [0, 4 * prod(shape)]}}).encode()
    header += b" " * (-len(header) % 8)
    try:
        with file.open("wb") as handle:
            handle.write(struct.pack("<Q", len(header)) + header)
            handle.truncate(8 + len(header) + 4 * prod(shape))
        mapped = np.memmap(file, dtype=np.float32, mode="r+", offset=8 + len(header), shape=tuple(shape))
    except OSError as error:
        raise UserError(
            f"{file} cannot hold {4 * prod(shape) / 2**30:.1f} GiB of activations: {error.strerror}. "
            "Choose another folder (scratch=), fewer positions or fewer layers."
        ) from error
    return torch.from_numpy(mapped)
