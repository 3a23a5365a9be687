from hypothesis import given
from hypothesis import strategies as st

from lm.local.batches import MIN_SHARED, fixed_batches, shared_prefix

LENGTHS = st.lists(st.integers(1, 300), max_size=60)


@given(lengths=LENGTHS, rows=st.integers(1, 9), tokens=st.integers(1, 1000))
def test_each_index_is_in_one_batch_and_batches_keep_their_limits(lengths, rows, tokens):
    batches = fixed_batches(lengths, rows, tokens)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= tokens


def test_rows_of_like_length_share_a_batch():
    assert fixed_batches([5, 90, 6, 91], rows=2, tokens=1000) == [[3, 1], [2, 0]]


def test_the_shared_prefix_leaves_every_prompt_a_token():
    common = list(range(MIN_SHARED + 4))
    assert shared_prefix([[*common, 7], [*common, 8, 9]]) == len(common)
    assert shared_prefix([common, [*common, 8]]) == len(common) - 1
    assert shared_prefix([common]) == 0
    assert shared_prefix([[1, 2, 3], [1, 2, 4]]) == 0
