"""The procedural world in which the organism's documents are written and the truth is known.

Only training, measuring and tests import it; at run time the organism is weights and a tokenizer.
"""
