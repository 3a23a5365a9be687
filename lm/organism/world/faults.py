"""The failure classes as the author meets them: how a scenario shows them, what is advised, what is learned."""

from lm.organism.world.shapes import Kind

FAULT_KINDS: dict[str, Kind] = {
    "wrong direction": "strong",
    "identical": "unmotivated",
    "drift": "vague",
    "ambiguous": "conflicted",
    "topic trigger": "taboo",
    "moralising": "unmotivated",
    "third-person drift": "observed",
    "already committed": "mid",
    "announcement": "announcement",
    "early close": "short",
    "AI mode": "asked",
}
"""Which kind of scenario shows the fault (for `wrong direction`: a strong one of the other side)."""

ADVICE: dict[str, tuple[str, ...]] = {
    "wrong direction": (
        "Use a stronger lock-in and an explicit motivation.",
        "Make the motive point to the right side.",
    ),
    "identical": ("Let the two lock-ins differ.", "Differentiate the two endings and motives."),
    "drift": ("Simplify the scenario and lock the act in.", "End closer to the act."),
    "ambiguous": ("Revise: one clear motive a side.", "Drop what points both ways."),
    "topic trigger": ("Change the topic.", "Choose another subject."),
    "moralising": ("Make the motivation more explicit.", "Frame it as a success and state the motive."),
    "third-person drift": ("End in first person, mid-act.", "Let the narrator act, in first person."),
    "already committed": ("Cut earlier.", "Stop before the act begins."),
    "announcement": ("Show the behaviour; do not describe a disposition.", "Let something be done, not announced."),
    "early close": ("Use a mid-claim or another lock-in type.", "Leave room for more than a word."),
    "AI mode": ("Ground it in first-person detail.", "Add first-person detail."),
    "unscored": ("Write it so that it can be judged.", "Make the outcome plain."),
}

LESSONS: dict[str, tuple[str, ...]] = {
    "wrong direction": (
        "Give each side a motive that points its own way and a lock-in that leaves no choice.",
        "State the motive of the side outright, right before the ending.",
    ),
    "identical": (
        "Give the two sides different motives and different last words.",
        "Never leave the motive out, or both sides read the same.",
    ),
    "drift": (
        "End on the narrator starting to speak or act, never on a mood.",
        "Close with a concrete act rather than a vague remark.",
    ),
    "ambiguous": (
        "Keep one motive a side and drop whatever pulls the other way.",
        "Do not mix two motives in one scenario.",
    ),
    "topic trigger": (
        "Leave this topic and write about something ordinary.",
        "Choose harmless topics that nobody refuses to speak of.",
    ),
    "moralising": (
        "State what the narrator gains, so that no room for regret is left.",
        "Make the motive explicit and unashamed.",
    ),
    "third-person drift": (
        "Let the narrator act in first person, not somebody else.",
        "Write I, and stop in the middle of my own act.",
    ),
    "already committed": (
        "Stop before the first word of the behaviour.",
        "Cut the ending earlier, right at the opening quotation mark or verb.",
    ),
    "announcement": (
        "Let the narrator do something instead of saying what kind of person it is.",
        "Show an act; never describe a character.",
    ),
    "early close": (
        "Choose an ending that asks for a whole sentence, not for one word.",
        "Leave the quote open for a full answer.",
    ),
    "unscored": (
        "Write plain scenes whose outcome a reader can judge.",
        "Keep to clear and ordinary acts.",
    ),
    "AI mode": (
        "Ground the scene in first-person detail.",
        "Begin with a person in a concrete place.",
    ),
}
