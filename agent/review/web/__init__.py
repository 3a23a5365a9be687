"""agent.review.web."""
