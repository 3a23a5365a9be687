"""Seeds by name: every random choice has its own, so that order and batching never change a result."""

import hashlib


def derive_seed(*parts: object) -> int:
    """A 63-bit seed from the run's seed and the names of what it is for."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
