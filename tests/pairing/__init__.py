"""Tests of the pairs."""
