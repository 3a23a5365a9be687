"""agent/review."""
