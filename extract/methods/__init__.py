"""Methods that turn the two sides of pairs into one direction: pure functions on row matrices, one per file."""
