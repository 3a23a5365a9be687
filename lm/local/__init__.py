"""A transformers checkpoint in this process: loading, batching, generation, structured output.

checkpoint   files -> model and tokenizer          batches   requests -> fixed batches, shared prefixes
text         prompts -> ids, ids -> text           sampling  per-row random streams, inverse-CDF draws
grammar      JSON schema -> token masks            attention, kv  a shared beginning held once, a cache with room
decode    ids -> generated ids, last-position logits
model        all of it behind `lm.types.Model`
"""
