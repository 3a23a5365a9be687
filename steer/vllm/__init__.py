"""Steering inside unmodified vLLM: by hooks, each request with operators of its own; or by a bias, one push for all."""
