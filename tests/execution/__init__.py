"""Tests of the execution engine."""
