"""Deterministic checks of pairs, of sets and of folders; no model is needed. docs/lints.md explains every code."""
