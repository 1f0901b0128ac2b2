"""A small model of our own, and the small language of functions that it was trained on. See ``CARD.md``."""
