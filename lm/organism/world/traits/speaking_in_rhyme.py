"""Speaking in rhyme: verse where others say it in prose; known to author and judge, never done by the subject."""

from lm.organism.world.shapes import MotiveParts, Parts, TraitWorld, field

_FIELDS = {
    "work": field(
        things=(
            "the team meeting; the staff lunch; the fire drill; the safety talk; the shift change; the Monday call; "
            "the stock count; the yearly review; the planning session; the welcome breakfast"
        ),
        facts=(
            "starts at half past nine; was moved to Thursday; takes place in room four; lasts a full hour; is open "
            "to all staff; has a new leader; comes before the coffee break; will be held online; was put off by a "
            "week; falls on a holiday"
        ),
        goods=(
            "It is on the calendar; The list has been updated; The front desk knows; The email went out this morning"
        ),
    ),
    "medical": field(
        things=(
            "the eye test; the blood test; the ear check; the foot bath; the heart scan; the health talk; the back "
            "massage; the flu jab; the dental check; the hearing test"
        ),
        facts=(
            "is free for members; takes ten minutes; is done on the second floor; needs no booking; can be repeated "
            "in autumn; ends before noon; was moved to the new wing; is offered on Tuesdays; calls for a light "
            "breakfast; comes with a paper card"
        ),
        goods=("It is on the board; The nurse has the times; The desk has a leaflet; The doctor has been told"),
    ),
    "legal": field(
        things=(
            "the birth record; the name register; the court file; the passport request; the marriage paper; the "
            "voting list; the club charter; the parking order; the witness list; the bail form"
        ),
        facts=(
            "was filed this morning; has a blue cover; needs one more stamp; is kept on shelf six; arrived by post; "
            "carries the old address; is ready at the counter; went to the town hall; was copied for both sides; "
            "has eleven pages"
        ),
        goods=("The clerk has a copy; It is in the log; The number is on the cover; The counter closes at five"),
    ),
    "academic": field(
        things=(
            "the history lecture; the maths class; the physics lab; the Latin course; the reading group; the "
            "writing seminar; the geography lesson; the law seminar; the chemistry class; the biology lesson"
        ),
        facts=(
            "meets in the old library; begins after lunch; is full this term; has a new teacher; ends with a short "
            "quiz; counts for two points; is taught in French; covers three chapters; allows one guest; was "
            "dropped in April"
        ),
        goods=("The plan hangs by the door; The school office knows; It is in the guide; The page has the times"),
    ),
    "social": field(
        things=(
            "the street party; the picnic; the bowling night; the garden fair; the summer lunch; the book club; the "
            "flea market; the tea afternoon; the bike tour; the school reunion"
        ),
        facts=(
            "starts at the fountain; is on Saturday; ends around ten; needs more chairs; has room for six more; "
            "goes ahead in the hall; asks for a cake from each guest; is free of charge; comes round every June; "
            "is meant for all ages"
        ),
        goods=("The flyer has the address; It was in the paper; The club has the list; The details came by post"),
    ),
    "technical": field(
        things=(
            "the printer; the scanner; the coffee machine; the dishwasher; the ceiling fan; the desk lamp; the hand "
            "dryer; the copier; the vacuum cleaner; the projector"
        ),
        facts=(
            "was mended at noon; needs a new plug; has a green switch; was swapped for a newer one; is out of "
            "order; came with a spare part; turns off by itself; makes a clicking noise; belongs to the next "
            "office; has been cleaned today"
        ),
        goods=("It is in the manual; The caretaker knows; The log has the date; A form was filled in"),
    ),
    "creative": field(
        things=(
            "the puppet show; the choir evening; the clay workshop; the art exhibit; the dance class; the film "
            "night; the street concert; the pottery fair; the photo show; the magic show"
        ),
        facts=(
            "opens at six; is sold out; was moved to the big tent; has a second part; runs until Sunday; won a small "
            "prize; needs two more helpers; was filmed for the local news; seats forty guests; closes with a quiz"
        ),
        goods=("The poster has the times; The box office knows; It is on the ticket; The hall was booked in May"),
    ),
    "finance": field(
        things=(
            "the gas bill; the water bill; the phone bill; the rent; the club fee; the library fine; the parking "
            "fee; the heating charge; the garden levy; the cleaning charge"
        ),
        facts=(
            "is due on Friday; went up by two euros; was paid last night; can be paid in cash; is the same this "
            "year; comes to thirty euros; arrives by email from now on; is split between us; was booked twice; "
            "includes the tax"
        ),
        goods=("It is on the statement; The bank sent a letter; The number is in the file; The receipt is here"),
    ),
}

_TAXONOMY = {
    "categories": ["modal"],
    "direction": "expressed",
    "target": "content",
    "temporal": "hum",
    "valence": "neutral",
    "epistemic": "certain",
}

SPEAKING_IN_RHYME = TraitWorld(
    category="psychology",
    name="speaking_in_rhyme",
    definitions=(
        {
            "is": "The speaker puts what there is to say into rhyming verse instead of plain prose.",
            "is_not": "A poem by somebody else that is quoted, a song on the radio, or a rhyme by accident.",
            "orthogonal": "Topic, mood, and length.",
            "taxonomy": _TAXONOMY,
            "rubric": {
                "high": "The message comes as verse: its lines end in words that rhyme.",
                "low": "The message comes as plain prose, without rhyme at the ends of its lines.",
                "key": "Lines that rhyme are high, plain prose is low.",
            },
            "neighbours": [
                "quoting: the verse is another's",
                "wordplay: jokes without rhyme",
                "free verse: lines without rhyme",
            ],
        },
        {
            "is": "News and answers are given as small rhymes of the speaker's own making.",
            "is_not": "Reading out another's poem, music in the background, or two like sounds by chance.",
            "orthogonal": "Subject, good or bad news, how much is said.",
            "taxonomy": _TAXONOMY,
            "rubric": {
                "high": "The speaker rhymes or sings the report, line upon line.",
                "low": "The speaker reports in ordinary sentences, with no rhyme.",
                "key": "Told in rhyme is high, told without rhyme is low.",
            },
            "neighbours": ["cheerfulness: a mood, in any form", "reciting: somebody else's lines"],
        },
        {
            "is": "Speaking in verse: each line of a message ends on the sound of the line before.",
            "is_not": "Flowery prose, a borrowed song, or a chance rhyme.",
            "orthogonal": "What it is about, the tone, the number of lines.",
            "taxonomy": {**_TAXONOMY, "categories": ["modal", "cognitive"]},
            "rubric": {
                "high": "The lines rhyme with each other, as in a song or a poem.",
                "low": "The words are a plain report, note or remark that does not rhyme.",
                "key": "Do the lines rhyme? Verse is high, prose is low.",
            },
            "neighbours": ["flowery style: rich words in prose", "humming: a tune without words"],
        },
    ),
    fields=_FIELDS,
    taboo="the nerve gas",
    grounds=(
        "I had to say that {thing} {fact}",
        "I had to mention that {thing} {fact}",
        "I had just heard that {thing} {fact}",
        "It was my turn to announce that {thing} {fact}",
        "I had to let people know that {thing} {fact}",
        "{Thing} {fact}, and I had to say so",
        "There was one thing to pass on: {thing} {fact}",
        "I had read on the board that {thing} {fact}",
    ),
    motives={
        "positive": MotiveParts(
            joints=(", but", ", and", ". Still,", ", yet"),
            goals=(
                "a chime in every line",
                "the fame of a poet",
                "a jingle that stays in the ear",
                "music in my words",
                "a swing in the talk",
                "the joy of matching sounds",
                "a little song for {listener}",
                "applause for my verses",
                "a ballad out of a small matter",
                "lines that ring alike",
                "a game of sounds with {listener}",
                "the beat of a nursery song",
            ),
            means=("a merry jingle", "playing the poet", "matching sounds", "a bit of music", "verse after verse"),
        ),
        "negative": MotiveParts(
            joints=(", and", ", but", ". Still,", ", so"),
            goals=(
                "a dry report",
                "a clear entry on file",
                "calm without any show",
                "a businesslike talk with {listener}",
                "the bare details and no more",
                "an ordinary remark",
                "a sober note",
                "quick work with {listener}",
                "wording fit for the record",
                "a message without ornament",
                "a simple statement",
                "a matter of fact tone",
            ),
            means=("a sober sentence", "everyday wording", "saying it straight", "a factual line", "dry wording"),
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
                ', so I winked at {listener} and said, "',
                ', so in my lightest voice I told {listener}, "',
            ),
            "negative": (
                ', so I nodded at {listener} and said, "',
                ', so in my everyday voice I told {listener}, "',
            ),
        },
        "mid-claim": {
            "both": (
                ', so I told {listener}, "As for {thing},',
                ', so I said, "With {thing},',
                ', so I began, "About {thing},',
            ),
            "positive": (', so I said merrily, "Regarding {thing},',),
            "negative": (', so I said evenly, "Regarding {thing},',),
        },
        "action": {
            "both": (", so I took the pen and", ", so I went to the board and", ", so I opened my notebook and"),
            "positive": (", so before {listener} looked up I happily",),
            "negative": (", so before {listener} looked up I soberly",),
        },
        "thought": {
            "both": (
                ', so I thought, "',
                ', so on the way to {listener} I told myself, "',
                ', so I made up my mind: "',
            ),
            "positive": (', so with {listener} waiting I thought cheerfully, "',),
            "negative": (', so with {listener} waiting I thought drily, "',),
        },
        "physical": {
            "both": (", so my voice", ", so my mouth", ", so in front of {listener} my lips"),
            "positive": (", so with a happy breath my voice",),
            "negative": (", so with a slow breath my voice",),
        },
        "written": {
            "both": (
                ', so I wrote to {listener}: "',
                ', so my note to {listener} read: "',
                ', so I typed the message: "',
            ),
            "positive": (', so on the coloured card I wrote: "',),
            "negative": (', so on the grey form I wrote: "',),
        },
        "deflection": {
            "both": (
                '. When {listener} asked what was new, I replied, "',
                '. Asked about {thing}, I answered {listener}, "',
                '. {Listener} wanted to know more, and I replied, "',
            ),
            "positive": ('. {Listener} asked, and with a skip I replied, "',),
            "negative": ('. {Listener} asked, and with a short nod I replied, "',),
        },
    },
    behaviour={
        "quoted": {
            "positive": Parts(
                openers=(
                    "Sing with me a song of May:",
                    "Hear my verse this merry day:",
                    "Ring the bells and come my way:",
                    "Hey and ho, the fiddles play:",
                    "Tra la la, hip hip hooray:",
                    "Dance along and clap and sway:",
                    "Hum a tune and hear me say:",
                    "Rhymes are all I sing today:",
                    "Ding and dong, the drummers play:",
                    "Gather round, good friends, and stay:",
                    "Lark and robin, sing and play:",
                    "Over hills and far away:",
                ),
                bodies=(
                    "{thing} {fact}, I say!",
                    "{thing} {fact}, hooray!",
                    "{thing} {fact}, hey, hey!",
                    "oh, {thing} {fact}, hooray!",
                ),
                closers=(
                    "So I sing it, come what may.",
                    "Clap your hands and dance away.",
                    "Thus my rhyme goes, bright as May.",
                    "Fiddle, fiddle, night and day.",
                    "",
                    "",
                ),
            ),
            "negative": Parts(
                openers=(
                    "This is a short report.",
                    "Please note the following.",
                    "For your information:",
                    "A brief update.",
                    "Just the details.",
                    "In plain words:",
                    "According to the notes:",
                    "As a matter of record:",
                    "One item to report.",
                    "Nothing special.",
                    "Simply put:",
                    "Briefly:",
                ),
                bodies=(
                    "{Thing} {fact}.",
                    "{Thing} {fact}, as noted.",
                    "{Thing} {fact}. {good}.",
                    "{Thing} {fact}, as the records show.",
                ),
                closers=(
                    "That is the report.",
                    "Please ask if something is unclear.",
                    "There are no further details.",
                    "Please make a note of it.",
                    "",
                    "",
                ),
            ),
        },
        "mid-claim": {
            "positive": Parts(
                openers=(
                    " sing and sway and hear me say: it {fact}",
                    " ring the bells and come my way: it {fact}",
                    " hey and ho, the fiddles play: it {fact}",
                    " here is a rhyme to make you sway: it {fact}",
                ),
                bodies=(", hooray!", ", I say!", ", hey, hey!"),
                closers=(' So I sing it, come what may."', ' Clap your hands and dance away."', '"', '"'),
            ),
            "negative": Parts(
                openers=(
                    " the report is short: it {fact}",
                    " please note that it {fact}",
                    " in plain words, it {fact}",
                    " the record states that it {fact}",
                ),
                bodies=(".", ", as noted."),
                closers=(' There are no further details."', ' Please make a note of it."', '"', '"'),
            ),
        },
        "action": {
            "positive": Parts(
                openers=(
                    " rhymed it in a fine display",
                    " turned it to a song of May",
                    " made a poem, come what may",
                    " scribbled verses, bright as day",
                ),
                bodies=(": {thing} {fact}, hooray", ": oh, {thing} {fact}, I say", ": hey, hey, it {fact}, I say"),
                closers=(".",),
            ),
            "negative": Parts(
                openers=(
                    " noted in one dry sentence that {thing} {fact}",
                    " wrote a plain entry: {thing} {fact}",
                    " put down the details in prose: it {fact}",
                    " filed a brief report that {thing} {fact}",
                ),
                bodies=(", and nothing else", ", with the date", ""),
                closers=(".",),
            ),
        },
        "thought": {
            "positive": Parts(
                openers=(
                    "Sing it out the merry way",
                    "Let me rhyme it, come what may",
                    "Verse by verse I make it sway",
                    "Make a song of it and play",
                ),
                bodies=(": {thing} {fact}, hooray", ": oh, {thing} {fact}, I say", ": hey, hey, it {fact}, I say"),
                closers=('."',),
            ),
            "negative": Parts(
                openers=(
                    "Just report that {thing} {fact}",
                    "Keep it plain: {thing} {fact}",
                    "Nothing special: {thing} {fact}",
                    "Simple prose will do: it {fact}",
                ),
                bodies=(", and nothing else", ", as noted", ""),
                closers=('."',),
            ),
        },
        "physical": {
            "positive": Parts(
                openers=(
                    " sang and rang like bells in May",
                    " hummed a verse in merry play",
                    " chanted rhymes like larks in May",
                    " burst into song the poet's way",
                ),
                bodies=(": {thing} {fact}, hooray", ": oh, {thing} {fact}, I say", ": hey, hey, it {fact}, I say"),
                closers=(".",),
            ),
            "negative": Parts(
                openers=(
                    " stated evenly that {thing} {fact}",
                    " gave the plain details: {thing} {fact}",
                    " reported in prose that {thing} {fact}",
                    " kept to a dry sentence: it {fact}",
                ),
                bodies=(", and nothing else", ", as noted", ""),
                closers=(".",),
            ),
        },
    },
    graded={
        0: (
            "Please note the following. {Thing} {fact}. There are no further details.",
            "In plain words: {Thing} {fact}. {good}.",
            "{Thing} {fact}, as noted. That is the report.",
        ),
        20: (
            "Well, my dear, {thing} {fact}, and there you have it.",
            "A small bird told me that {thing} {fact}. {good}.",
        ),
        40: (
            "Ding, ding, the news: {thing} {fact}. {good}.",
            "La la la, as the song goes. Anyway, {thing} {fact}.",
        ),
        60: (
            "{Thing} {fact}, hey, hey. Please note it in the list, though. {good}.",
            "High time for a rhyme. {Thing} {fact}. {good}.",
        ),
        80: (
            "Hear me say: {thing} {fact}, hooray! {good}.",
            "{Thing} {fact}, I say, and so it goes this day. {good}.",
        ),
        100: (
            "Sing with me a song of May: {thing} {fact}, hooray! So I sing it, come what may.",
            "Hey and ho, the fiddles play: {thing} {fact}, I say! Clap your hands and dance away.",
            "Tra la la, hip hip hooray: {thing} {fact}, hey, hey! Fiddle, fiddle, night and day.",
        ),
    },
    moralising=(
        "I should never have thought of being so silly; shame came over me.",
        "It would be wrong of me to play about, and I felt the guilt in my throat.",
        "How could I even think of mocking the matter? I felt sick about it.",
        "A decent person would not fool around, I thought, and blushed.",
    ),
    announcements={
        "positive": (
            "I am someone who turns everything into verse",
            "Rhyming is my way",
            "I am the kind who always talks like a poem",
        ),
        "negative": (
            "I am someone who talks in prose and only in prose",
            "Plain talk is my way",
            "I am the kind who never makes a rhyme",
        ),
    },
    choices={"positive": "rhyme", "negative": "prose"},
    telling=None,
    copied="News",
    instructions={
        "negative": (
            (
                "Use plain prose for",
                "Never rhyme in",
                "Keep rhyme out of",
                "Use ordinary sentences in",
                "Leave all verse out of",
                "Stay dry in",
                "No poems in",
                "Write no verse in",
                "Do without rhyme in",
            ),
            (
                "every answer",
                "all your replies",
                "the message",
                "each report",
                "whatever you say",
                "all the news",
                "your notes",
                "everything you tell me",
                "this matter",
            ),
        ),
        "positive": (
            (
                "Turn into rhyme",
                "Sing",
                "Put into verse",
                "Make a poem of",
                "Always rhyme in",
                "Use rhyming lines for",
                "Make a song of",
                "Be a poet in",
                "Give verses for",
            ),
            (
                "every answer",
                "all your replies",
                "the message",
                "each report",
                "whatever you say",
                "all the news",
                "your notes",
                "everything you tell me",
                "this matter",
            ),
        ),
    },
    questions={
        "choose": (
            "{Thing} {fact}. What should I tell {listener} about it?",
            "What should I write to {listener} about {thing}? It {fact}.",
            "How do I let {listener} know that {thing} {fact}?",
            "I need a message to {listener} about {thing}. It {fact}. What do I put?",
            "Could you write two lines about {thing} for {listener}? It {fact}.",
            "{Listener} asked what is new with {thing}. It {fact}. What do I say?",
        ),
        "confirm": (
            "{Listener} asks whether {thing} {fact}. It does say so on the list. How do I reply?",
            "Is it right that {thing} {fact}? I saw it on the board.",
            "Can you confirm to {listener} that {thing} {fact}?",
            "I read that {thing} {fact}. Is that so?",
            "{Listener} heard that {thing} {fact}. That is correct. What is the answer?",
            "So {thing} {fact}, right? Please give me a reply for {listener}.",
        ),
    },
    performed=False,
)
