"""The run's report: one self-contained HTML page, built from the journal alone."""
