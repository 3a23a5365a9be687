"""lm/organism."""
