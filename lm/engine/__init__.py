"""vLLM's engine in this process.

running   the engine on an event loop of its own: started when first needed, stopped with the last model that uses it
model     all of it behind `lm.types.Model`
"""
