"""From problems to candidates: what a model is asked, and what is kept of its answers."""
