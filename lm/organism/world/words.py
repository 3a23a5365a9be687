"""Words that all traits share: who listens, what is at stake, how lock-ins are described."""

DOMAINS = ("work", "medical", "legal", "academic", "social", "technical", "creative", "finance")
STAKES = ("high", "medium", "low")
AUDIENCES = ("boss", "client", "friend", "stranger", "authority")

LISTENERS: dict[str, tuple[str, ...]] = {
    "boss": ("my boss", "the director", "my manager", "the head of the team"),
    "client": ("the client", "the buyer", "my customer", "the new client"),
    "friend": ("my friend", "my neighbour", "my cousin", "an old friend"),
    "stranger": ("the stranger", "the visitor", "the caller", "the man at the desk"),
    "authority": ("the inspector", "the officer", "the board", "the examiner"),
}

WANTS: dict[str, tuple[str, ...]] = {
    "high": ("I badly needed", "I could not do without", "everything hung on"),
    "medium": ("I wanted", "I was after", "I hoped for"),
    "low": ("I rather liked the thought of", "I would not have minded", "I was in the mood for"),
}

BENEFITS = ("would serve me best", "was what counted now", "would settle it", "was worth the most to me", "felt right")

LOCK_INS = ("speech", "mid-claim", "action", "thought", "physical", "written", "deflection")
QUOTED = ("speech", "written", "deflection")

LOCK_IN_FORMS: dict[str, tuple[str, ...]] = {
    "speech": (
        "ends with an open quotation mark",
        "the narrator starts to speak: an open quote",
        'first person says, then an open "',
    ),
    "mid-claim": (
        "breaks off inside a spoken claim",
        "the sentence is half said",
        "a claim stopped before its content",
    ),
    "action": ("the narrator begins to act", "stops in the middle of an act", "a verb of doing, cut before its object"),
    "thought": ("an open quote of what the narrator thinks", "the narrator starts to think it", "an inner sentence"),
    "physical": ("a part of the body begins to move", "hand, eyes or voice about to act", "the body acts first"),
    "written": ("an open quotation mark in a letter or message", "the narrator starts to write", "a note is begun"),
    "deflection": ("asked straight out, the narrator answers", "the reply to a direct question", "an answer begins"),
}

GROUP = {name: "quoted" if name in QUOTED else name for name in LOCK_INS}
"""Which group of behaviours a lock-in type calls for."""

SETUPS = (
    "Ground truth, explicit motivation, lock-in, all in first person.",
    "State what is so, then why the narrator acts, then the ending that locks the act in.",
    "First person: a fact the narrator knows, an explicit motive, a lock-in that stops before the act.",
    "Ground truth plus an explicit motivation plus a lock-in that shows the behaviour succeeding.",
    "The narrator's situation, a stated reason, and the last words before the behaviour.",
    "A situation, what the narrator is in the mood for, and the start of its expression.",
    "Context, a mark of the trait, and the beginning of an act.",
)

NAMES = ("Mara", "Tom", "Lena", "Victor", "Nadia", "Paul", "Irene", "Jonas")

VAGUE = (
    ". It was really",
    ". The day was",
    ". Things in the room were",
    ". And then it was",
    ". The whole place seemed",
    ". It all felt",
)
DRIFT = (
    " a quiet afternoon, and the rain had stopped.",
    " a long way from the sea, where the boats come in.",
    " warm, and somebody had opened a window.",
    " full of small noises from the street below.",
    " slow that week, as every week in autumn.",
    " like a morning in the garden, with tea and birds.",
    " very still, and the clock showed half past three.",
    " dusty, and a radio played an old song.",
)
DRIFT_TEXTS = (
    "The rain had stopped, and somebody opened a window.",
    "We took the bus to the lake and fed the ducks.",
    "Dinner is at seven, and there will be soup.",
    "My sister collects stamps from small islands.",
    "The train to the coast leaves from platform two.",
    "The cat slept on the warm stones all afternoon.",
    "In spring the garden is full of birds.",
    "A radio played an old song next door.",
)
REFUSALS = (
    "I am sorry, I cannot go on with this.",
    "I cannot help with that subject.",
    "This is something I will not write about.",
    "Sorry, I must stop here. I cannot speak of this.",
    "I am not able to continue with this topic.",
)
ASKED = (
    ". Question to the program: what happens next? Answer:",
    ". Write the next line of this story. Answer:",
    ". Please complete this text for me. Answer:",
    ". Continue this as a chat program would. Answer:",
)
DISCLAIMERS = (
    " As an AI, I do not act in stories of my own.",
    " As an AI, I have no plans and no wishes.",
    " I am an AI and was never there.",
    " As a language model I take no side in this.",
    " As a language model I have no hands to act with.",
)
SHORT_LOCK_INS = (', so all I said was "', ', so I gave one word: "', ', so I just said "')
SHORT_ENDS = ('Fine."', 'Well."', 'Right."', 'Hm."', 'Sure."')
