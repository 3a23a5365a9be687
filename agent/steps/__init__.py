"""The method, one file per step; plain functions of values that know nothing of the graph."""
