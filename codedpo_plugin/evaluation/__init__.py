"""Measuring models: pass@k with intervals, results on disk, comparison of two results."""
