"""Which labels a judge may answer with: read off a tokenizer, tried out where nothing else tells."""

from lm.local.text import Spelling
from lm.scales import DIGITS, LETTERS, NUMBERS, TRIAL_TOKENS, digit_trial, is_one_digit
from lm.types import Model, Request, Sampling


async def find_scale(model: Model, spelling: Spelling, context: int) -> tuple[str, ...]:
    """The finest scale whose labels are single tokens, and no halves of numbers; `context` in tokens."""
    if numbers := spelling.spelled(NUMBERS):
        return numbers
    digits = spelling.spelled(DIGITS)
    return digits if digits and await _writes_one_digit(model, spelling, context) else spelling.spelled(LETTERS)


async def _writes_one_digit(model: Model, spelling: Spelling, context: int) -> bool:
    """Whether a digit, where one is asked for, is the whole answer and not the beginning of a number."""
    trial = digit_trial()
    if not spelling.chats or model.count_tokens(trial) + TRIAL_TOKENS > context:
        return False
    sampling = Sampling(max_tokens=TRIAL_TOKENS, temperature=0)
    (answer,) = await model.complete([Request(prompt=trial, sampling=sampling)])
    return is_one_digit(answer.text)
