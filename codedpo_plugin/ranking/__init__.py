"""Rankers: from a pass matrix to scores. One file each; pure functions of the matrix and their parameters."""
