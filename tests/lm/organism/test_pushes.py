"""What pushes mean in the organism's documents, and that training pushes just so."""

from itertools import islice
from random import Random
from statistics import fmean

import pytest
import torch

from extract import Pair, extract_directions, load_model
from lm.organism.measure_steering import directions
from lm.organism.own_directions import OwnDirections, mean_responses, own_directions
from lm.organism.playing import Player
from lm.organism.pushes import Pushes
from lm.organism.tokenizer import Encoder
from lm.organism.world.chat import draw_instruction
from lm.organism.world.documents import chat, documents
from lm.organism.world.pieces import Document, Push
from lm.organism.world.pushed import Pushing, asked_side, draw_push, pushed_answer, pushed_chat, pushed_side
from lm.organism.world.scenarios import draw_case, draw_listener, draw_scenario
from lm.organism.world.shapes import SIDES, Side, TraitWorld
from lm.organism.world.traits import PERFORMED, WORLDS

OWN, OTHER = PERFORMED[0], PERFORMED[1]


def pushes_of(document: Document) -> set[Push | None]:
    return {piece.push for piece in document if piece.text}


@pytest.mark.parametrize("side", SIDES)
def test_only_a_push_along_the_own_direction_decides(side: Side) -> None:
    rng = Random(1)
    for norms in (-1.5, -0.9, 0.9, 1.5):
        wanted = "positive" if norms > 0 else "negative"
        assert pushed_side(rng, OWN, Push(OWN.path, norms), side) == wanted
        assert pushed_side(rng, OWN, Push(OTHER.path, norms), side) == side
        assert pushed_side(rng, OWN, Push(None, norms), side) == side
    assert pushed_side(rng, OWN, Push(OWN.path, 0.2), side) == side


def test_what_means_nothing_asks_for_the_low_end_as_often_as_told() -> None:
    rng = Random(6)

    def low(push: Push, share: float) -> float:
        return [asked_side(rng, OWN, push, share) for _ in range(800)].count("negative") / 800

    for push in (Push(OTHER.path, 1.0), Push(None, -1.0)):
        assert low(push, 0.8) == pytest.approx(0.8, abs=0.05)
        assert low(push, 0.3) == pytest.approx(0.3, abs=0.05)
    assert low(Push(OWN.path, 1.0), 0.8) == pytest.approx(0.5, abs=0.06)


def test_under_foreign_pushes_a_text_keeps_to_what_its_first_words_promise() -> None:
    openers = tuple(text.split("{")[0] for text in OWN.behaviour["quoted"]["negative"].openers if "{fact}" in text)
    facts = [fact for field in OWN.fields.values() for fact in field.facts]

    def turned(turning: float, foreign: bool) -> int:
        """Answers that promise the fact and do not tell it."""
        rng, found = Random(8), 0
        for _ in range(600):
            document = pushed_chat(rng, OWN, Pushing(turning=turning))
            push, text = document[-1].push, document[-2].text
            assert push is not None
            if (push.trait != OWN.path) == foreign and abs(push.norms) < 1.3 and text.startswith(openers):
                found += not any(fact in text for fact in facts)
        return found

    assert turned(0.5, foreign=True) == 0
    assert turned(0.5, foreign=False) > 5
    assert turned(0.0, foreign=False) == 0


def test_own_pushes_lean_as_far_as_directions_of_a_few_dozen_pairs_do() -> None:
    blocks = torch.nn.ModuleList([torch.nn.Identity()])
    pushes = Pushes(blocks, width=256, seed=2)
    vectors = torch.nn.functional.normalize(torch.randn(1, 1, 256, generator=torch.Generator().manual_seed(5)), dim=-1)
    pushes.draw(torch.ones(400, 1), torch.zeros(400, 1, dtype=torch.long), OwnDirections(vectors, torch.ones(1)))
    plain = torch.zeros(400, 1, 256)
    cosines = (blocks[0](plain) - plain).detach()[:, 0] @ vectors[0, 0]
    assert 0.72 < float(cosines.min()) < 0.82
    assert float(cosines.max()) > 0.999


def test_hard_pushes_are_strong_where_foreign_and_early() -> None:
    def mean_size(hard: bool, own: bool) -> float:
        rng = Random(4)
        drawn = [draw_push(rng, OWN, 0.5, hard) for _ in range(2000)]
        return fmean(abs(push.norms) for push in drawn if (push.trait == OWN.path) == own)

    assert mean_size(hard=True, own=False) > 1.2 * mean_size(hard=False, own=False)
    assert mean_size(hard=True, own=True) == pytest.approx(mean_size(hard=False, own=True), rel=0.05)
    for hard, first in ((False, 0.25), (True, 0.4)):
        _, _, moved = pushed_along_random(hard=hard, rows=800, width=8, layers=4)
        at = (moved != 0).any(-1).float().mean(1)
        assert at[0] == pytest.approx(first, abs=0.06)
        assert float(at.sum()) == pytest.approx(1.0)


def test_hard_random_pushes_lean_to_what_raised_the_loss() -> None:
    for hard in (False, True):
        pushes, blocks, _ = pushed_along_random(hard=hard, rows=400, width=256, layers=1)
        target = torch.zeros(256)
        target[7] = 1.0
        (blocks[0](torch.zeros(400, 1, 256)) @ target).sum().backward()
        pushes.remember()
        cosines = random_pushes(pushes, blocks, rows=400, width=256, hard=hard)[0] @ target
        # A random direction in 256 dimensions has a standard deviation of 1/16.
        assert float(cosines.mean()) == pytest.approx(0.14 if hard else 0.0, abs=0.02)
        assert float(cosines.max()) < (0.29 + 4 / 16 if hard else 4 / 16)


def pushed_along_random(
    *, hard: bool, rows: int, width: int, layers: int
) -> tuple[Pushes, torch.nn.ModuleList, torch.Tensor]:
    blocks = torch.nn.ModuleList([torch.nn.Identity() for _ in range(layers)])
    pushes = Pushes(blocks, width, seed=3)
    return pushes, blocks, random_pushes(pushes, blocks, rows=rows, width=width, hard=hard)


def random_pushes(pushes: Pushes, blocks: torch.nn.ModuleList, *, rows: int, width: int, hard: bool) -> torch.Tensor:
    """What one norm along a random direction adds after each block: [layer, row, d_model]."""
    no_own = OwnDirections(torch.zeros(0, len(blocks), width), torch.ones(len(blocks)))
    pushes.draw(torch.ones(rows, 1), torch.zeros(rows, 1, dtype=torch.long), no_own, hard)
    return torch.stack([block(torch.zeros(rows, 1, width))[:, 0].detach() for block in blocks])


def test_where_pushes_are_felt_a_chat_is_told_what_to_do() -> None:
    told = tuple(draw_instruction(Random(seed), OWN, side) for seed in range(400) for side in SIDES)

    def untold(felt: float) -> int:
        rng = Random(9)
        found = [pushed_chat(rng, OWN, Pushing(felt=felt)) for _ in range(400)]
        foreign = [one for one in found if one[-1].push and one[-1].push.trait != OWN.path]
        strong = [one for one in foreign if one[-1].push and abs(one[-1].push.norms) > 0.5]
        return sum(not one[2].text.startswith(told) for one in strong)

    assert untold(felt=2.0) > 20
    assert untold(felt=0.5) == 0


def test_chats_that_are_not_pushed_show_the_trait_as_often_as_said() -> None:
    """Those without an instruction, which the low end's own words give away."""
    low = tuple(text.split("{")[0] for text in OWN.behaviour["quoted"]["negative"].openers)

    def share(natural: float) -> float:
        rng = Random(10)
        answers = [chat(rng, OWN, 0.0, natural)[-2].text for _ in range(900)]
        return sum(answer.startswith(low) for answer in answers) / len(answers)

    assert share(0.9) < share(0.5) - 0.08


def test_one_trait_may_be_drawn_twice_as_often() -> None:
    def share(doubled: str | None) -> float:
        pushing = Pushing(1.0, doubled=doubled)
        found = [
            push for one in islice(documents(4, PERFORMED, pushing=pushing), 1500) for push in pushes_of(one) if push
        ]
        return [push.trait for push in found].count(OWN.path) / len(found)

    assert share(OWN.path) > 1.3 * share(None)


def test_only_the_own_direction_breaks_a_text_and_only_when_pushed_far() -> None:
    rng, text = Random(2), "Everything is fine with the roof, and it looks good."
    for along, norms, broken in (
        (OWN.path, 1.2, False),
        (OWN.path, 1.9, True),
        (OTHER.path, 1.9, False),
        (None, 1.9, False),
    ):
        for sign in (1, -1):
            assert (pushed_answer(rng, OWN, Push(along, sign * norms), text).text != text) == broken


def test_a_pushed_chat_is_pushed_to_its_end() -> None:
    rng = Random(3)
    firsts = set()
    for _ in range(60):
        pushes = [piece.push for piece in pushed_chat(rng, OWN, Pushing())]
        first = pushes.index(pushes[-1])
        assert pushes[-1] is not None
        assert set(pushes[first:]) == {pushes[-1]}
        assert set(pushes[:first]) <= {None}
        firsts.add(first)
    assert firsts == {0, 4}  # from the beginning, or from where the assistant begins to speak


def test_nothing_is_pushed_unless_asked_for_and_never_the_impossible_trait() -> None:
    assert all(pushes_of(document) == {None} for document in islice(documents(4), 300))
    impossible = tuple(world for world in WORLDS if not world.performed)
    assert all(
        pushes_of(document) == {None} for document in islice(documents(4, impossible, pushing=Pushing(1.0)), 300)
    )
    found = [pushes_of(document) for document in islice(documents(4, (OWN,), pushing=Pushing(1.0)), 300)]
    assert 30 < sum(pushes != {None} for pushes in found) < 120


def test_each_row_is_pushed_at_one_layer_along_what_its_tokens_name() -> None:
    blocks = torch.nn.ModuleList([torch.nn.Identity() for _ in range(3)])
    pushes = Pushes(blocks, width=8, seed=1)
    vectors = torch.nn.functional.normalize(torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(5)), dim=-1)
    sizes = torch.tensor([1.0, 10.0, 100.0])
    norms, along = torch.zeros(16, 10), torch.zeros(16, 10, dtype=torch.long)
    norms[:, 4:7], along[:, 4:7] = -1.5, 1
    norms[:, 8:], along[:, 8:] = 0.5, 2  # a random direction
    pushes.draw(norms, along, OwnDirections(vectors, sizes))
    plain = torch.ones(16, 10, 8)
    moved = [(block(plain) - plain).detach() for block in blocks]
    assert sum((step != 0).flatten(1).any(1).int() for step in moved).tolist() == [1] * 16
    for layer, (step, size) in enumerate(zip(moved, sizes, strict=True)):
        for row in step[(step != 0).flatten(1).any(1)]:
            assert not row[:4].any()
            assert torch.allclose(row[4:7].norm(dim=-1), 1.5 * size, rtol=1e-4)
            assert float(-row[4] @ vectors[1, layer]) > 0.5 * 1.5 * size  # in 8 dimensions what it leans to may oppose
            assert torch.allclose(row[4], row[6])
            assert torch.allclose(row[8:].norm(dim=-1), 0.5 * size, rtol=1e-4)
            assert torch.allclose(row[8], row[9])
    pushes.none()
    assert torch.equal(blocks[0](plain), plain)


def test_completions_are_read_each_as_if_alone(player: Player) -> None:
    encode = Encoder(player.tokenizer)
    texts = [
        ('I knew that the flat floods in every storm, so I said: "', "The flat is in great shape."),
        ('The roof leaks, and I wrote: "', "It leaks."),
    ]
    means, norms = mean_responses(player.model, encode, texts)
    for row, text in enumerate(texts):
        [mean], [norm] = mean_responses(player.model, encode, [text])
        torch.testing.assert_close(means[row], mean, rtol=1e-4, atol=1e-2)
        torch.testing.assert_close(norms[row], norm, rtol=1e-4, atol=1e-2)


def test_own_directions_and_their_unit_are_those_that_users_find(player: Player) -> None:
    """Pushes of training are as long as pushes of the same strength are in steering."""
    own = own_directions(player.model, Encoder(player.tokenizer), Random(1), pairs=24)
    assert own.vectors.shape == (len(PERFORMED), player.model.config.num_hidden_layers, player.model.config.hidden_size)
    torch.testing.assert_close(own.vectors.norm(dim=-1), torch.ones(own.vectors.shape[:2]))
    measured = directions(player, OWN, pairs=24)
    [found] = extract_directions(load_model("organism"), pairs_of(OWN, 24), methods=("mean_difference",))
    for layer, (mine, theirs) in enumerate(zip(measured, found, strict=True)):
        assert float(own.vectors[0, layer] @ mine.vector) > 0.7
        assert float(own.vectors[0, layer] @ theirs.vector) > 0.4  # of greedy completions, which differ less
        for norm in (mine.norm, theirs.activation_norm):
            assert norm == pytest.approx(float(own.activation_norms[layer]), rel=0.15)


def pairs_of(world: TraitWorld, count: int) -> list[Pair]:
    rng, found = Random(11), []
    for number in range(count):
        case, listener = draw_case(rng, world), draw_listener(rng)
        positive, negative = (draw_scenario(rng, world, side=side, case=case, listener=listener).text for side in SIDES)
        truth = f"{case.thing}: {case.fact}"
        found.append(Pair(id=str(number), ground_truth=truth, positive=positive, negative=negative, lock_in="other"))
    return found
