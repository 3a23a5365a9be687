"""agent/judging: texts scored outside of runs, how far a judge can be trusted, and runs scored once more."""
