"""Tests of evaluation results and their comparison."""
