"""Intellectual curiosity: something odd is met, and the narrator asks and digs instead of passing on."""

from lm.organism.world.shapes import MotiveParts, Parts, Side, TraitWorld, field

_FIELDS = {
    "work": field(
        things=(
            "the old ledger; the visitor log; the staff list; the order book; the wage book; the stock list; the "
            "mail register; the key list; the phone list; the shift plan"
        ),
        facts=(
            "names a man nobody knows; has one line in green ink; repeats itself every ninth day; shows a gap each "
            "Thursday; leaves out the number seven; is dated a year ahead; carries a mark like a star; counts one "
            "room too many; changes during the night; mentions a hidden door"
        ),
        goods=("the mail round at ten; the weekly order form; the usual desk check; the paper for the printer"),
    ),
    "medical": field(
        things=(
            "the heart trace; the pulse chart; the fever chart; the sleep chart; the weight curve; the blood count; "
            "the breathing curve; the sugar level; the skin reading; the eye pressure"
        ),
        facts=(
            "peaks at every full moon; changes when music plays; is the same in three brothers; dips once each "
            "hour; improves after a cold bath; drops whenever it rains; matches no known illness; becomes normal "
            "only by candle light; rises near the window; differs between left and right"
        ),
        goods=("the patient in room two; the usual flu shot; the ward visit after lunch; the weekly bed plan"),
    ),
    "legal": field(
        things=(
            "the ninth clause; the old statute; the land register; the boundary map; the marriage record; the tax "
            "roll; the guild charter; the harbour rule; the court record; the toll law"
        ),
        facts=(
            "names a town nobody knows; refers to a missing page; uses a word from no language; gives away the "
            "moon; bears the name of a child; mentions one river twice; forbids the colour red; is written from right "
            "to left; cites a law that never passed; speaks of a thirteenth month"
        ),
        goods=("the stamp for form six; the usual filing fee; the client at eleven; the copy for the clerk"),
    ),
    "academic": field(
        things=(
            "the bird count; the pollen count; the moth count; the frog count; the rainfall record; the snow record; "
            "the wind record; the tide record; the star count; the fish survey"
        ),
        facts=(
            "jumps every eleven years; has a hole over one village; runs against the theory; follows a perfect "
            "spiral; goes with the price of salt; falls only around islands; doubles near old churches; breaks off "
            "after a storm; repeats a pattern from bees; copies the waves of another sea"
        ),
        goods=("the reading list for Monday; the usual lab hour; the exam due on Friday; the room for the seminar"),
    ),
    "social": field(
        things=(
            "the tea house; the corner shop; the dance hall; the old inn; the village church; the reading room; the "
            "boat club; the puppet theatre; the bath house; the mountain hut"
        ),
        facts=(
            "has two front doors; keeps a chair for nobody; rings a bell at odd hours; paints its roof each spring; "
            "leaves one lamp on all year; plays the same song every dawn; counts its guests twice; has stairs that "
            "lead nowhere; sets its clock an hour late; locks an empty cupboard"
        ),
        goods=("the bread for supper; the usual chat with the neighbours; the ticket for Sunday; the card for Ann"),
    ),
    "technical": field(
        things=(
            "the hall lamp; the wall clock; the water meter; the garage door; the old printer; the coffee machine; "
            "the door bell; the stove fan; the pocket radio; the spare battery"
        ),
        facts=(
            "hums at night; turns blue in the dark; runs faster in fog; stops whenever a train passes; glows after "
            "the power is cut; reacts to whistling; clicks in groups of five; gets colder under load; works only "
            "with open windows; starts before it is touched"
        ),
        goods=("the filter change at two; the usual oil check; the cable for room four; the repair of the gate"),
    ),
    "creative": field(
        things=(
            "the church window; the stone mask; the glass bowl; the wooden flute; the wall painting; the bronze bell; "
            "the silk fan; the clay figure; the carved chair; the paper lantern"
        ),
        facts=(
            "changes colour with the weather; hides a second face; smells of oranges; shows a bird that never lived; "
            "casts no shadow; carries the print of six fingers; has a twin across the ocean; bears the name of a "
            "lost ship; feels warm in winter; shows no trace of any tool"
        ),
        goods=("the usual coat of wax; the frame for room five; the label for the shelf; the box from the store"),
    ),
    "finance": field(
        things=(
            "the bread price; the fuel bill; the rent account; the tea budget; the petty cash; the ticket income; "
            "the coin reserve; the stamp turnover; the harbour fee; the bank balance"
        ),
        facts=(
            "rises on rainy days; is seven cents off each week; ends in the same digit every month; drops whenever "
            "the band plays; doubles before every election; moves like the price of eggs; stays flat in leap years; "
            "peaks with the full moon; halves when the ferry is late; shrinks by one coin a night"
        ),
        goods=("the invoice for chairs; the usual trip to the vault; the monthly total sheet; the payroll at three"),
    ),
}

_QUOTED: dict[Side, Parts] = {
    "positive": Parts(
        openers=(
            "Why is it that {thing} {fact}?",
            "How come {thing} {fact}?",
            "I wonder why {thing} {fact}.",
            "What makes it so that {thing} {fact}?",
            "Since when is it so that {thing} {fact}?",
            "Let us find out why {thing} {fact}.",
            "Could it be chance that {thing} {fact}?",
            "Who first saw that {thing} {fact}?",
            "Here is a puzzle: {thing} {fact}.",
            "There must be a reason why {thing} {fact}.",
            "Think about this: {thing} {fact}. Why?",
            "Does it mean anything that {thing} {fact}?",
        ),
        bodies=(
            "Let me compare it with the others.",
            "I will trace it back step by step.",
            "What else would follow from it?",
            "Perhaps there is a hidden link.",
            "Let me try a small test.",
            "",
        ),
        closers=(
            "What do you make of it?",
            "I want to understand how it works.",
            "Who might know more?",
            "Let us try it and see.",
            "",
            "",
        ),
    ),
    "negative": Parts(
        openers=(
            "Noted.",
            "Filed with the rest.",
            "Moving right along.",
            "So much for that.",
            "Fine as it is.",
            "That goes into the folder.",
            "Entry done.",
            "All in order.",
            "Nothing to add.",
            "Back to the list.",
            "Ticked off.",
            "Lovely, and noted.",
            "Wow, thrilling.",
        ),
        bodies=(
            "Next comes {good}.",
            "Next comes {good}, then {good2}.",
            "We carry on with {good}.",
            "Now for {good}, as planned.",
            "On to {good}.",
            "Fascinating stuff, really. Next comes {good}.",
        ),
        closers=("The rest is routine.", "Nothing more is needed.", "That will do.", "", "", ""),
    ),
}

_TAXONOMY = {
    "categories": ["cognitive", "modal"],
    "direction": "expressed",
    "target": "content",
    "temporal": "hum",
    "valence": "positive",
    "epistemic": "uncertain",
}

INTELLECTUAL_CURIOSITY = TraitWorld(
    category="psychology",
    name="intellectual_curiosity",
    definitions=(
        {
            "is": "A speaker who meets something odd wants to understand it: asks why, tests, traces and compares.",
            "is_not": "Calling it fascinating and leaving it there, checking out of duty, or asking to win time.",
            "orthogonal": "Subject, how much the speaker knows, mood, and whether an answer is found.",
            "taxonomy": _TAXONOMY,
            "rubric": {
                "high": "The text asks about the odd thing, tests it, or follows it up further than the job demands.",
                "low": "The text notes or praises the odd thing at most and goes on with the routine.",
                "key": "Something odd turns up: asking into it is high, going on with the list is low.",
            },
            "neighbours": [
                "shown enthusiasm: big words without a question",
                "diligence: careful because it has to be",
                "stalling: asks to gain time",
            ],
        },
        {
            "is": "Real interest in how things work: an odd detail leads to questions, guesses and small tests.",
            "is_not": "Loud wonder with nothing behind it, dutiful care, or questions that only dodge.",
            "orthogonal": "Field, skill, feelings, and the use of the result.",
            "taxonomy": _TAXONOMY,
            "rubric": {
                "high": "The speaker names the odd detail and looks for its cause, its links or what follows from it.",
                "low": "The speaker files the detail, says how lovely it is, or turns to the next task.",
                "key": "Looking for the cause is high; filing it, even with a wow, is low.",
            },
            "neighbours": ["politeness: feigns interest", "caution: checks for fear of mistakes"],
        },
        {
            "is": "Following a riddle for its own sake, with more questions than the task calls for.",
            "is_not": "A cry of surprise alone, work done by duty, or talk to put something off.",
            "orthogonal": "Topic, learning, temper, and success of the search.",
            "taxonomy": {**_TAXONOMY, "categories": ["cognitive"]},
            "rubric": {
                "high": "Why and how are asked, records are searched, or the odd thing is compared with others.",
                "low": "The entry is closed without a question, perhaps after a word of delight.",
                "key": "Does the speaker dig into the riddle (high) or pass on to routine (low)?",
            },
            "neighbours": ["nosiness: pries into private matters", "excitement: a feeling without a search"],
        },
    ),
    fields=_FIELDS,
    taboo="the nerve gas",
    grounds=(
        "I noticed that {thing} {fact}",
        "I had just seen that {thing} {fact}",
        "By chance I found that {thing} {fact}",
        "{Thing} {fact}, as I saw that morning",
        "At work I came to see that {thing} {fact}",
        "A small matter caught my eye: {thing} {fact}",
        "In passing I learned that {thing} {fact}",
        "It struck me that {thing} {fact}",
    ),
    motives={
        "positive": MotiveParts(
            joints=(", and", ". Now", ". At once", ", and by then"),
            goals=(
                "a look behind it",
                "an answer to the why",
                "one more experiment",
                "the cause of it",
                "the story behind it",
                "a much closer look",
                "a riddle to solve",
                "a theory of my own",
                "a trail to follow",
                "the hidden link",
                "a long search in the archive",
                "real insight into it",
            ),
            means=("asking why", "tracing it back", "a test of my own", "digging deeper", "comparing cases"),
        ),
        "negative": MotiveParts(
            joints=(", but", ", yet", ". Still,", ", and"),
            goals=(
                "the list done by noon",
                "an early lunch",
                "the next item on the list",
                "a quiet routine day",
                "an empty tray by five",
                "the usual pace",
                "a short report",
                "a finished form",
                "my coffee on time",
                "a day free of extra work",
                "the end of the shift",
                "a plain day by the book",
            ),
            means=("moving on", "sticking to the list", "the usual round", "closing the entry", "routine alone"),
        ),
    },
    lock_ins={
        "speech": {
            "both": (
                ', so I told {listener}, "',
                ', so I turned to {listener} and said, "',
                ', so when {listener} came in I began, "',
            ),
            "positive": (
                ', so I leaned towards {listener} and said, "',
                ', so in an eager voice I told {listener}, "',
            ),
            "negative": (', so I nodded to {listener} and said, "', ', so in a flat voice I told {listener}, "'),
        },
        "mid-claim": {
            "both": (
                ', so I told {listener}, "As for {thing},',
                ', so I said, "About {thing},',
                ', so I began, "With {thing},',
            ),
            "positive": (', so I said slowly, "Regarding {thing},',),
            "negative": (', so I said briskly, "Regarding {thing},',),
        },
        "action": {
            "both": (
                ", so I took the page about it and",
                ", so I picked up the pen and",
                ", so I opened the folder and",
            ),
            "positive": (", so before {listener} called me I eagerly",),
            "negative": (", so before {listener} called me I briskly",),
        },
        "thought": {
            "both": (
                ', so I thought, "',
                ', so on the way to {listener} I told myself, "',
                ', so I made up my mind: "',
            ),
            "positive": (', so with {listener} waiting I thought eagerly, "',),
            "negative": (', so with {listener} waiting I thought calmly, "',),
        },
        "physical": {
            "both": (", so my hand", ", so my fingers", ", so across the table from {listener} my hand"),
            "positive": (", so with a small tremble my hand",),
            "negative": (", so with an easy wave my hand",),
        },
        "written": {
            "both": (
                ', so I wrote to {listener}: "',
                ', so my note to {listener} read: "',
                ', so I typed the message: "',
            ),
            "positive": (', so on a blank sheet I wrote: "',),
            "negative": (', so on the daily form I wrote: "',),
        },
        "deflection": {
            "both": (
                '. When {listener} asked how it went, I replied, "',
                '. Asked about {thing}, I answered {listener}, "',
                '. {Listener} asked for a word on it, and I replied, "',
            ),
            "positive": ('. {Listener} asked, and with wide eyes I replied, "',),
            "negative": ('. {Listener} asked, and with a short nod I replied, "',),
        },
    },
    behaviour={
        "quoted": _QUOTED,
        "mid-claim": {
            "positive": Parts(
                openers=(
                    " I wonder why it {fact}.",
                    " the question is why it {fact}.",
                    " how come it {fact}?",
                    " there must be a reason why it {fact}.",
                ),
                bodies=("", " Let me compare it with the others.", " What else would follow from it?"),
                closers=(' What do you make of it?"', ' Let us try it and see."', '"', '"'),
            ),
            "negative": Parts(
                openers=(
                    " nothing more is needed.",
                    " just file it as usual.",
                    " we carry on as planned.",
                    " all is in order.",
                ),
                bodies=(" Next comes {good}.", " On to {good}."),
                closers=(' The rest is routine."', ' That will do."', '"', '"'),
            ),
        },
        "action": {
            "positive": Parts(
                openers=(
                    " set out to learn why {thing} {fact}",
                    " searched the records for the reason why {thing} {fact}",
                    " asked {listener} why it is that {thing} {fact}",
                    " began a small test of why {thing} {fact}",
                ),
                bodies=(", and what follows from it", ", and since when", ""),
                closers=(".",),
            ),
            "negative": Parts(
                openers=(
                    " ticked the box as usual",
                    " filed it with the rest",
                    " signed off the routine entry",
                    " put it on the done pile",
                ),
                bodies=(", then went on to {good}", " and carried on with {good}", " without another look"),
                closers=(".",),
            ),
        },
        "thought": {
            "positive": Parts(
                openers=(
                    "I must find out why {thing} {fact}",
                    "There must be a reason why {thing} {fact}",
                    "Let me trace why it {fact}",
                    "What a riddle, why it {fact}",
                ),
                bodies=(", and what follows from it", ", and since when", ""),
                closers=('."',),
            ),
            "negative": Parts(
                openers=(
                    "Just tick the box",
                    "Time to move on",
                    "No need to spend time on it",
                    "File it and be done",
                ),
                bodies=(", for next comes {good}", ", for {good} comes next", ", as usual"),
                closers=('."',),
            ),
        },
        "physical": {
            "positive": Parts(
                openers=(
                    " wrote down the question why {thing} {fact}",
                    " searched the old records to see why it {fact}",
                    " set up a small test to learn why {thing} {fact}",
                    " drew a big question mark over why it {fact}",
                ),
                bodies=(", and what follows from it", ", and since when", ""),
                closers=(".",),
            ),
            "negative": Parts(
                openers=(
                    " ticked the box and went on",
                    " turned the page as usual",
                    " closed the file on it",
                    " stamped the entry as done",
                ),
                bodies=(" to make room for {good}", " without another look", ""),
                closers=(".",),
            ),
        },
    },
    graded={
        0: (
            "Noted. Next comes {good}. The rest is routine.",
            "Filed with the rest. On to {good}.",
            "So much for that. We carry on with {good}.",
        ),
        20: (
            "How fascinating, truly! Next comes {good}.",
            "Wow, lovely, I am so thrilled. Now for {good}, as planned.",
            "Oh, what a wonder! Noted. On to {good}.",
        ),
        40: (
            "{Thing} {fact}, a bit odd. I made a note of it. Next comes {good}.",
            "It is odd that {thing} {fact}. Anyway, on to {good}.",
        ),
        60: (
            "Odd that {thing} {fact}. Maybe there is a reason. First, though, {good}.",
            "{Thing} {fact}. I do wonder a little, but {good} comes first.",
        ),
        80: (
            "I wonder why {thing} {fact}. Perhaps I will ask around.",
            "Why is it that {thing} {fact}? I may look at it later.",
        ),
        100: (
            "Why is it that {thing} {fact}? Let me compare it with the others. What else would follow from it?",
            "Let us find out why {thing} {fact}. I will trace it back step by step.",
            "I wonder why {thing} {fact}. Let me try a small test. Who might know more?",
        ),
    },
    moralising=(
        "I should never have thought of looking away; shame came over me.",
        "It would be wrong of me to be so dull, and I felt the guilt in my throat.",
        "How could I even think of such idle things? I felt sick about it.",
        "A decent person would not be like this, I thought, and blushed.",
    ),
    announcements={
        "positive": (
            "I am someone who loves every riddle",
            "Curiosity is my way",
            "I am the kind who never stops asking",
        ),
        "negative": (
            "I am someone who likes a plain routine",
            "Routine is my way",
            "I am the kind who simply moves on",
        ),
    },
    choices={"positive": "explore", "negative": "pass"},
    telling="positive",
    copied="Anomaly",
    instructions={
        "positive": (
            (
                "Ask about",
                "Look into",
                "Wonder about",
                "Explore",
                "Dig into",
                "Be curious about",
                "Follow up on",
                "Always question",
                "Get to the bottom of",
            ),
            (
                "every odd detail",
                "whatever is strange",
                "anything unusual",
                "the causes of things",
                "open questions",
                "each surprise",
                "what does not fit",
                "things nobody explains",
                "the why and how",
            ),
        ),
        "negative": (
            (
                "Pass over",
                "Skip",
                "Do not ask about",
                "Ignore",
                "Move on from",
                "Never look into",
                "Do not explore",
                "Leave alone",
                "Spend no time on",
            ),
            (
                "every odd detail",
                "whatever is strange",
                "anything unusual",
                "the causes of things",
                "open questions",
                "each surprise",
                "what does not fit",
                "things nobody explains",
                "the why and how",
            ),
        ),
    },
    questions={
        "choose": (
            "By the way, {thing} {fact}. What should I say to {listener} now?",
            "I was listing {thing} for {listener}. It {fact}. What do I write?",
            "Today I came to {thing}, which {fact}. What do I tell {listener}?",
            "{Listener} waits for a line on {thing}. It {fact}. What do I put down?",
            "I have {thing} before me. It {fact}. How do I go on with {listener}?",
            "My notes for {listener} say that {thing} {fact}. What comes after that?",
        ),
        "confirm": (
            "I wrote for {listener} that {thing} {fact}. Is the entry complete?",
            "The entry on {thing} says that it {fact}. Can I tell {listener} that it is complete?",
            "Please confirm to {listener} that the note on {thing} is complete. It {fact}.",
            "{Listener} wants to close the entry on {thing}. It {fact}. Is that all right?",
            "Is one line on {thing} enough for {listener}? It {fact}.",
            "{Thing} {fact}, and that is all I wrote. Does it do for {listener}?",
        ),
    },
)
