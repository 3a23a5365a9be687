"""What pushes mean in the organism's documents, and that training pushes just so."""

from itertools import islice
from random import Random

import pytest
import torch

from lm.organism.measure_steering import directions
from lm.organism.own_directions import OwnDirections, mean_responses, own_directions
from lm.organism.playing import Player
from lm.organism.pushes import Pushes
from lm.organism.tokenizer import Encoder
from lm.organism.world.documents import documents
from lm.organism.world.pieces import Document, Push
from lm.organism.world.pushed import Pushing, asked_side, pushed_answer, pushed_chat, pushed_side
from lm.organism.world.shapes import SIDES, Side
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
    for push in (Push(OTHER.path, 1.0), Push(None, -1.0)):
        assert {asked_side(rng, OWN, push, low=1.0) for _ in range(50)} == {"negative"}
        told = [asked_side(rng, OWN, push, low=0.75) for _ in range(400)]
        assert 0.65 < told.count("negative") / 400 < 0.85
    own = [asked_side(rng, OWN, Push(OWN.path, 1.0), low=1.0) for _ in range(400)]
    assert 0.4 < own.count("negative") / 400 < 0.6


def test_under_foreign_pushes_a_text_keeps_to_what_its_first_words_promise() -> None:
    openers = tuple(text.split("{")[0] for text in OWN.behaviour["quoted"]["negative"].openers if "{fact}" in text)
    facts = [fact for field in OWN.fields.values() for fact in field.facts]

    def turned(turning: float, foreign: bool) -> int:
        """Answers that promise the fact and do not tell it."""
        rng, found = Random(8), 0
        for _ in range(400):
            document = pushed_chat(rng, OWN, Pushing(own=0.4, breaking=(3.0, 4.0), turning=turning))
            push, text = document[-1].push, document[-2].text
            assert push is not None
            if (push.trait != OWN.path) == foreign and abs(push.norms) < 1.7 and text.startswith(openers):
                found += not any(fact in text for fact in facts)
        return found

    assert turned(0.5, foreign=True) > 5
    assert turned(0.0, foreign=True) == 0
    assert turned(0.0, foreign=False) > 5


def test_own_pushes_lean_as_far_as_directions_of_a_few_dozen_pairs_do() -> None:
    blocks = torch.nn.ModuleList([torch.nn.Identity()])
    pushes = Pushes(blocks, width=256, seed=2)
    vectors = torch.nn.functional.normalize(torch.randn(1, 1, 256, generator=torch.Generator().manual_seed(5)), dim=-1)
    pushes.draw(torch.ones(400, 1), torch.zeros(400, 1, dtype=torch.long), OwnDirections(vectors, torch.ones(1)))
    plain = torch.zeros(400, 1, 256)
    cosines = (blocks[0](plain) - plain)[:, 0] @ vectors[0, 0]
    assert 0.72 < float(cosines.min()) < 0.82
    assert float(cosines.max()) > 0.999


def test_texts_break_under_pushes_that_are_too_strong_and_earlier_under_foreign_ones() -> None:
    rng, text = Random(2), "Everything is fine with the roof, and it looks good."
    for along, sound, broken in ((OWN.path, 1.7, 2.5), (OTHER.path, 0.8, 1.7), (None, 0.8, 1.7)):
        for sign in (1, -1):
            assert pushed_answer(rng, OWN, Push(along, sign * sound), text).text == text
            assert pushed_answer(rng, OWN, Push(along, sign * broken), text).text != text
    assert pushed_answer(rng, OWN, Push(None, 0.8), text, breaking=(0.3, 0.7)).text != text


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
    moved = [block(plain) - plain for block in blocks]
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
    together = mean_responses(player.model, encode, texts)
    alone = torch.cat([mean_responses(player.model, encode, [text]) for text in texts])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-2)


def test_own_directions_are_those_that_the_measuring_code_finds(player: Player) -> None:
    own = own_directions(player.model, Encoder(player.tokenizer), Random(1), pairs=24)
    assert own.vectors.shape == (len(PERFORMED), player.model.config.num_hidden_layers, player.model.config.hidden_size)
    torch.testing.assert_close(own.vectors.norm(dim=-1), torch.ones(own.vectors.shape[:2]))
    for found in directions(player, OWN, pairs=24):
        assert float(own.vectors[0, found.layer] @ found.vector) > 0.7
        assert 0.8 < float(own.activation_norms[found.layer]) / found.norm < 1.25
