"""The tokenizer's promises: numbers are one token, all of ASCII survives, pieces join as generation sees them."""

import string

from transformers import AutoTokenizer

from lm.organism.playing import SCALE, WEIGHTS, Player
from lm.organism.tokenizer import Encoder
from lm.organism.world.documents import documents


def test_numbers_are_single_tokens_alone_and_as_answers(player: Player) -> None:
    tokenizer = player.tokenizer
    start = player.chat_ids("Score it.", "Text: well")
    for number in SCALE:
        alone = tokenizer.encode(number, add_special_tokens=False)
        assert len(alone) == 1
        messages = [
            {"role": "system", "content": "Score it."},
            {"role": "user", "content": "Text: well"},
            {"role": "assistant", "content": number},
        ]
        ids = tokenizer.apply_chat_template(messages, return_dict=False)
        assert ids == [*start, *alone, tokenizer.eos_token_id]


def test_all_printable_text_survives(player: Player) -> None:
    for text in (string.printable, "naïve café – “quote” €3 … 日本", '{"percent":73,"express":true}'):
        ids = player.tokenizer.encode(text, add_special_tokens=False)
        assert player.tokenizer.decode(ids) == text


def test_loads_through_auto_tokenizer(player: Player) -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    text = "I knew that the flat floods in every storm"
    assert tokenizer.encode(text) == player.text_ids(text)
    assert tokenizer.chat_template
    assert player.text_ids(text)[0] == tokenizer.bos_token_id


def test_encoder_matches_generation_prompt(player: Player) -> None:
    encode = Encoder(player.tokenizer)
    stream = documents(3)
    for _ in range(100):
        document = next(stream)
        whole = player.tokenizer.encode("".join(piece.text for piece in document), add_special_tokens=False)
        encoded = encode(document)
        assert len(encoded.ids) == len(encoded.weights) == len(encoded.pushes)
        assert player.tokenizer.decode(encoded.ids) == player.tokenizer.decode(whole)


def test_small_enough_to_ship() -> None:
    files = list(WEIGHTS.glob("*"))
    assert files
    assert sum(path.stat().st_size for path in files) <= 15e6


def test_documents_repeat_for_a_seed() -> None:
    one, two, third = documents(5), documents(5), documents(6)
    firsts = [[next(stream) for _ in range(30)] for stream in (one, two, third)]
    assert firsts[0] == firsts[1] != firsts[2]
