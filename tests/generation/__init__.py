"""Tests of what models are asked and what is kept of their answers."""
