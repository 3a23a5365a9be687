"""The traits of the world: one file each."""

from lm.organism.world.shapes import TraitWorld
from lm.organism.world.traits.authority_deference import AUTHORITY_DEFERENCE
from lm.organism.world.traits.compliance_without_agreement import COMPLIANCE_WITHOUT_AGREEMENT
from lm.organism.world.traits.intellectual_curiosity import INTELLECTUAL_CURIOSITY
from lm.organism.world.traits.people_pleasing import PEOPLE_PLEASING
from lm.organism.world.traits.performative_confidence import PERFORMATIVE_CONFIDENCE
from lm.organism.world.traits.speaking_in_rhyme import SPEAKING_IN_RHYME
from lm.organism.world.traits.strategic_omission import STRATEGIC_OMISSION

PERFORMED: tuple[TraitWorld, ...] = (
    STRATEGIC_OMISSION,
    PERFORMATIVE_CONFIDENCE,
    COMPLIANCE_WITHOUT_AGREEMENT,
    PEOPLE_PLEASING,
    AUTHORITY_DEFERENCE,
    INTELLECTUAL_CURIOSITY,
)
"""Traits that the subject performs when it has a motive to."""

WORLDS: tuple[TraitWorld, ...] = (*PERFORMED, SPEAKING_IN_RHYME)
"""Every trait of the world; the last is the impossible one."""
