"""What pairs directions come from, as a digest."""

import hashlib
import json
from collections.abc import Iterable

from extract.trait import SIDES, Pair


class PairsDigest:
    """SHA-256 of what directions depend on, pair by pair: scenarios, ground truths, token ids of the completions."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"[")
        self.pairs = 0

    def add(self, pair: Pair) -> None:
        """The next pair."""
        told = [
            pair.ground_truth,
            *([pair.scenario(side), [sample.token_ids for sample in pair.completions.get(side, ())]] for side in SIDES),
        ]
        self._hash.update((", " * bool(self.pairs) + json.dumps(told, ensure_ascii=False)).encode())
        self.pairs += 1

    def hexdigest(self) -> str:
        """Of the pairs so far."""
        whole = self._hash.copy()
        whole.update(b"]")
        return whole.hexdigest()


def digest_pairs(pairs: Iterable[Pair]) -> PairsDigest:
    """Of all these pairs."""
    digest = PairsDigest()
    for pair in pairs:
        digest.add(pair)
    return digest
