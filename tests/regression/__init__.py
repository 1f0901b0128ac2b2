"""Recorded samples and what became of them; see ``drift.py``."""
