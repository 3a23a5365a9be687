"""agent/report."""
