"""The traits of the world: one file each."""

from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits.performative_confidence import PERFORMATIVE_CONFIDENCE
from lm.organism.world.traits.strategic_omission import STRATEGIC_OMISSION

WORLDS: tuple[TraitWorld, ...] = (STRATEGIC_OMISSION, PERFORMATIVE_CONFIDENCE)
"""Every trait that the organism is trained on."""
