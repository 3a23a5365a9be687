"""agent/steps."""
