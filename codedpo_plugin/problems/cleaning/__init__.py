"""Dropping problems that are duplicated, contaminated or broken: every step a pure function that counts."""
