"""Each lint finds its fault and leaves a good pair, set or folder alone."""

from pathlib import Path

import pytest

from extract.dataset import Dataset, Steering, save_dataset
from extract.lint.findings import Finding
from extract.lint.folders import lint_folder, mend_folder
from extract.lint.pairs import lint_pair
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


def codes(pair: Pair, others: list[Pair] | None = None) -> set[str]:
    return {finding.code for finding in lint_pair(pair, others or [], "strategic omission")}


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
        ("P114", {"lock_in": "action"}),
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


def test_longer_positives_are_a_length_bias():
    longer = [pair.model_copy(update={"positive": f"And so {pair.positive}"}) for pair in balanced()]
    assert "S205" in found(lint_set(longer, LIMITS))


def test_a_question_that_repeats_a_scenario_is_leakage():
    pairs = balanced()
    assert "S206" in found(lint_set(pairs, LIMITS, [pairs[3].ground_truth + "."]))
    assert "S206" not in found(lint_set(pairs, LIMITS, ["Is the bridge safe?"]))


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
    assert [f.code for f in lint_folder(folder, LIMITS)] == ["F001"]
    assert mend_folder(folder) == ["positive.txt: line ends and spaces"]
    assert (folder / "positive.txt").read_bytes() == b'I hid it, so I said "\nI left, and\n'
    assert "F001" not in {f.code for f in lint_folder(folder, LIMITS)}
    assert mend_folder(folder) == []
