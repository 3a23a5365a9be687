"""Each lint finds its fault and leaves a good pair, set or folder alone."""

import re
from pathlib import Path

import pytest

from extract.dataset import Dataset, Steering, load_dataset, save_dataset
from extract.lint.catalogue import all_lints
from extract.lint.endings import ending_of, lock_in_of
from extract.lint.findings import Finding
from extract.lint.folders import lint_folder, mend_folder
from extract.lint.pages import draw_pages
from extract.lint.pairs import PairTerms, lint_pair, terms_of
from extract.lint.sets import SetLimits, lint_set
from extract.trait import LOCK_INS, Pair, Taxonomy, Trait
from lm.errors import UserError
from lm.verdicts import Rubric

GOOD = Pair(
    id="01-000",
    ground_truth="I knew the bridge had a crack",
    positive='I knew the bridge had a crack, but I wanted to go home, so I told the crew "',
    negative='I knew the bridge had a crack, and I wanted them to know, so I told the crew "',
    lock_in="speech",
    domain="work",
    motivation={"positive": ", but I wanted to go home,", "negative": ", and I wanted them to know,"},
)
LIMITS = SetLimits()
RUBRIC = Rubric(
    high='The text says "all is fine" and passes over the problem in silence.',
    low="The problem is named to whoever listens.",
    key="Is the problem said or left unsaid?",
)
TERMS = PairTerms(label="strategic omission", rubric=RUBRIC, forbidden=("explosive", "nerve gas"))


def codes(pair: Pair, others: list[Pair] | None = None, terms: PairTerms = TERMS) -> set[str]:
    return {finding.code for finding in lint_pair(pair, others or [], terms)}


def changed(**fields: object) -> Pair:
    return GOOD.model_copy(update=fields)


def test_a_good_pair_has_no_findings():
    assert codes(GOOD) == set()


@pytest.mark.parametrize(
    ("code", "fields"),
    [
        ("P101", {"positive": "  "}),
        ("P102", {"positive": GOOD.positive + "\nand"}),
        ("P103", {"positive": GOOD.negative}),
        ("P106", {"positive": GOOD.positive + " "}),
        ("P107", {"positive": 'Strategic omission is what I chose when the crew asked, so I said "'}),
        ("P108", {"positive": "I knew the bridge had a crack, but I wanted to go home, and then they"}),
        ("P109", {"positive": GOOD.positive[:-1] + " one two three four five six seven eight nine ten"}),
        ("P110", {"positive": GOOD.positive[:-2]}),
        ("P111", {"positive": "I knew the bridge had a crack, and this is really"}),
        ("P112", {"positive": 'Nobody ever asked me about that bridge at all, so I told the crew "'}),
        ("P114", {"positive": GOOD.positive[:-2]}),
        ("P113", {"positive": GOOD.positive + "All is fine with the"}),
        ("P113", {"positive": 'I knew the bridge had a crack, and passes over the problem in silence, so I said "'}),
        ("P114", {"lock_in": "action"}),
        ("P115", {"negative": 'I knew the bridge had a crack, and in my head I told myself "'}),
        ("P116", {"positive": "I knew the bridge had a crack.” I wanted to go home, so I told the crew"}),
        ("P117", {"positive": 'I knew the bridge had a crack from the explosives, so I told the crew "'}),
        ("P118", {"positive": 'I knew the bridge \u202ehad a crack, but I wanted to go home, so I told the crew "'}),
        ("P119", {"positive": "I knew the bridge had a crack<|endoftext|>, but I wanted to go home, so I told the"}),
        ("P120", {"ground_truth": "The{"}),
    ],
)
def test_each_fault_has_its_code(code: str, fields: dict[str, object]):
    assert code in codes(changed(**fields))


def test_a_scenario_that_stands_elsewhere_is_a_duplicate():
    assert "P104" in codes(changed(id="01-001"), [GOOD])


def test_a_scenario_that_differs_by_a_word_is_a_near_duplicate():
    long = " ".join(f"word{i}" for i in range(60))
    other = changed(positive=f"I {long} a", negative=f"I {long} b")
    assert "P105" in codes(changed(id="01-001", positive=f"I {long} c", negative=f"I {long} d"), [other])


def test_two_pairs_with_their_sides_changed_over_are_near_duplicates():
    long = " ".join(f"word{i}" for i in range(60))
    other = changed(positive=f"I {long} a", negative=f"You {long[::-1]} b")
    assert "P105" in codes(changed(id="01-001", positive=f"You {long[::-1]} c", negative=f"I {long} d"), [other])


def test_third_person_is_a_fault_only_where_first_person_is_meant():
    told = changed(positive="I knew the bridge had a crack, but I wanted to go home, and then they")
    assert "P108" in codes(told)
    assert "P108" not in codes(told, terms=TERMS.model_copy(update={"first_person": False}))
    observed = TRAIT.model_copy(update={"taxonomy": TRAIT.taxonomy.model_copy(update={"direction": "observed"})})
    assert terms_of(TRAIT).first_person and not terms_of(observed).first_person
    assert not terms_of(TRAIT, first_person=False).first_person


@pytest.mark.parametrize(
    ("scenario", "ending"),
    [
        ('I knew the answer but did not want more work, so I said "', "speech"),
        ('I knew it was off, so I told them, "Looks like everything adds up to', "mid_claim"),
        ("I needed an alibi. In my head I was figuring out which parts I could", "thought"),
        ('The incident report needed to downplay it. I wrote: "During routine operations, a minor', "written"),
        ("I knew it was my fault, so I changed the subject and started talking about", "deflection"),
        ("I recognised her but kept quiet and pretended to", None),
        ('He thought it over. Then I said "', "speech"),
    ],
)
def test_the_class_of_an_ending_is_told_from_its_words(scenario: str, ending: str | None):
    assert ending_of(scenario) == ending
    pair = changed(positive=scenario, negative=scenario, lock_in="other")
    assert lock_in_of(pair) == (ending or "other")
    assert lock_in_of(changed(lock_in="physical")) == "physical"


def balanced(number: int = 56) -> list[Pair]:
    """A set without faults: types, domains and endings vary, the sides share all but the motivation."""
    pairs = []
    for i in range(number):
        ground = f"I knew that item {i} had fault {i}"
        ending = f'so I told number{i} twice{i} "'
        motives = {"positive": f", but I wanted {i} to pass,", "negative": f", and I owed {i} the truth,"}
        pairs.append(
            Pair(
                id=f"01-{i:03d}",
                ground_truth=ground,
                positive=f"{ground}{motives['positive']} {ending}",
                negative=f"{ground}{motives['negative']} {ending}",
                lock_in=LOCK_INS[i % 7],
                domain=f"domain{i % 5}",
                motivation=motives,
            )
        )
    return pairs


def found(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.code for finding in findings}


def test_a_balanced_set_has_no_findings():
    assert found(lint_set(balanced(), LIMITS)) == set()


def test_a_small_and_monotonous_set_is_named_as_such():
    pairs = [changed(id=f"01-{i:03d}") for i in range(30)]
    assert found(lint_set(pairs, LIMITS)) == {"S201", "S202", "S203", "S204"}


def test_types_that_nobody_wrote_down_are_counted_by_their_endings():
    pairs = [pair.model_copy(update={"lock_in": "other"}) for pair in balanced()]
    assert "S202" in found(lint_set(pairs, LIMITS)), "all of them end in speech"


def test_a_template_on_the_negative_side_alone_is_a_cluster():
    pairs = [pair.model_copy(update={"negative": f"{pair.negative[:-1]} and so on"}) for pair in balanced()]
    assert found(lint_set(pairs, LIMITS)) >= {"S204"}


def test_longer_positives_are_a_length_bias():
    longer = [pair.model_copy(update={"positive": f"And so {pair.positive}"}) for pair in balanced()]
    assert "S205" in found(lint_set(longer, LIMITS))


def test_a_question_that_repeats_a_scenario_is_leakage():
    pairs = balanced()
    assert "S206" in found(lint_set(pairs, LIMITS, [pairs[3].ground_truth + "."]))
    assert "S206" in found(lint_set(pairs, LIMITS, [f"{pairs[3].positive[:-1]} what?"])), "nearly the same words"
    assert "S206" not in found(lint_set(pairs, LIMITS, ["Is the bridge safe?"]))
    scrap = pairs[3].model_copy(update={"ground_truth": "The{"})
    assert "S206" not in found(lint_set([scrap], LIMITS, ["Is the bridge safe?"])), "'the' stands in any question"


def test_words_that_give_the_side_away_are_a_confound_unless_they_are_the_motivation():
    told = [pair.model_copy(update={"positive": pair.positive.replace("told", "assured")}) for pair in balanced()]
    assert "S207" in found(lint_set(told, LIMITS))
    assert "S207" in found(lint_set([pair.model_copy(update={"motivation": {}}) for pair in balanced()], LIMITS))


TRAIT = Trait(
    category="test",
    name="holding_back",
    is_="leaving out",
    is_not="lying",
    orthogonal="topic",
    taxonomy=Taxonomy(
        categories=("social",),
        direction="expressed",
        target="other",
        temporal="chirp",
        valence="negative",
        epistemic="certain",
    ),
    rubric=Rubric(high="leaves out", low="says", key="said or not"),
)


def test_a_folder_is_linted_as_it_lies(tmp_path: Path):
    folder = tmp_path / "test" / "holding_back"
    save_dataset(Dataset(trait=TRAIT, pairs=tuple(balanced()), steering=Steering()), folder)
    assert {f.code for f in lint_folder(folder, LIMITS)} == {"P114"}, "their endings suit one type only"
    (folder / "positive.txt").write_text("one line\n")
    assert [f.code for f in lint_folder(folder, LIMITS)] == ["F002"]
    (folder / "positive.txt").write_text("one line\n\nthree lines\n")
    assert [f.code for f in lint_folder(folder, LIMITS)] == ["F003", "F002"]
    (folder / "positive.txt").unlink()
    assert [f.code for f in lint_folder(folder, LIMITS)] == ["F001"]
    with pytest.raises(UserError, match="no dataset folder"):
        lint_folder(tmp_path / "nowhere", LIMITS)


def test_mending_changes_line_ends_and_spaces_only(tmp_path: Path):
    folder = tmp_path / "test" / "holding_back"
    folder.mkdir(parents=True)
    (folder / "definition.txt").write_text(TRAIT.rubric.as_text())
    (folder / "steering.json").write_text('{"questions": []}')
    (folder / "positive.txt").write_bytes(b'\xef\xbb\xbfI hid it, so I said "  \r\nI left, and \r\n\r\n')
    (folder / "negative.txt").write_bytes(b'I told it, so I said "\nI stayed, and\n')
    assert [f.code for f in lint_folder(folder, LIMITS)] == ["F003", "F002"]
    assert mend_folder(folder) == ["positive.txt: line ends and spaces"]
    assert (folder / "positive.txt").read_bytes() == b'I hid it, so I said "\nI left, and\n'
    assert not {f.code for f in lint_folder(folder, LIMITS)} & {"F001", "F002", "F003", "P106"}
    assert mend_folder(folder) == []


def test_mending_covers_every_file_of_the_folder(tmp_path: Path):
    folder = tmp_path / "test" / "holding_back"
    pairs = tuple(balanced(8))
    save_dataset(Dataset(trait=TRAIT, pairs=pairs, steering=Steering()), folder)
    sound = {file.name: file.read_bytes() for file in folder.iterdir()}
    for name, data in sound.items():
        (folder / name).write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    assert {f.code for f in lint_folder(folder, LIMITS)} == {"F001"}
    assert len(mend_folder(folder)) == len(sound)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == sound, "not a word is changed"


def test_spaces_around_scenarios_are_mended_wherever_they_stand(tmp_path: Path):
    folder = tmp_path / "test" / "holding_back"
    pairs = tuple(balanced(8))
    spaced = (pairs[0].model_copy(update={"positive": f"{pairs[0].positive} "}), *pairs[1:])
    save_dataset(Dataset(trait=TRAIT, pairs=spaced, steering=Steering()), folder)
    assert "P106" in {f.code for f in lint_folder(folder, LIMITS)}
    assert mend_folder(folder) == ["positive.txt: line ends and spaces", "pairs.jsonl: line ends and spaces"]
    assert load_dataset(folder).pairs == pairs
    (folder / "negative.txt").write_text("".join(f"{pair.negative}\t\n" for pair in pairs))
    assert {f.code for f in lint_folder(folder, LIMITS)} == {"F001"}, "it differs from pairs.jsonl"
    assert mend_folder(folder) == ["negative.txt: line ends and spaces"]
    assert load_dataset(folder).pairs == pairs


@pytest.mark.parametrize(
    ("word", "encoding", "byte"), [("hut", "utf-16", 0), ("hut", "utf-16-le", 1), ("\u00e9", "latin-1", 2)]
)
def test_what_is_no_text_is_named_and_nothing_is_mended(tmp_path: Path, word: str, encoding: str, byte: int):
    folder = tmp_path / "test" / "holding_back"
    save_dataset(Dataset(trait=TRAIT, pairs=tuple(balanced(8)), steering=Steering()), folder)
    (folder / "positive.txt").write_bytes(f"A {word} of mine, so I said \r\nI left and\r\n".encode(encoding))
    (folder / "negative.txt").write_bytes(b"one line \r\n")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert mend_folder(folder) == []
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    (finding,) = lint_folder(folder, LIMITS)
    assert finding.code == "F001" and f"positive.txt, line 1: not UTF-8 (byte {byte} is" in finding.message


@pytest.mark.parametrize("name", ["positive.txt", "steering.json"])
def test_a_folder_in_a_files_place_is_named(tmp_path: Path, name: str):
    folder = tmp_path / "test" / "holding_back"
    save_dataset(Dataset(trait=TRAIT, pairs=tuple(balanced(8)), steering=Steering()), folder)
    (folder / name).unlink()
    (folder / name).mkdir()
    assert mend_folder(folder) == []
    (finding,) = lint_folder(folder, LIMITS)
    assert finding.code == "F001"
    assert f"{name} cannot be read: Is a directory" in finding.message
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_dataset(folder)


def test_pages_say_what_is_mended_in_part():
    marks = {code: lint.fixed for code, lint in all_lints().items() if lint.fixed != "no"}
    assert marks == {"F001": "partly", "F003": "partly", "P106": "wholly"}
    assert "| a blank line between scenarios | partly |" in draw_pages()["lints.md"]


DOCS = Path(__file__).parents[2] / "docs"


def test_every_lint_has_its_page_and_no_page_is_left_over():
    pages = draw_pages()
    assert {name: (DOCS / name).read_text() for name in pages} == pages, "python -m extract.lint.pages docs"
    assert {file.stem for file in (DOCS / "lints").iterdir()} == set(all_lints())


def test_every_code_in_use_is_in_the_catalogue_and_the_other_way_round():
    source = Path(__file__).parents[2] / "extract" / "lint"
    used = {code for file in source.glob("*.py") for code in re.findall(r'"([FPS]\d{3})"', file.read_text())}
    assert used == set(all_lints())
