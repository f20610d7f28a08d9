"""Sums of gathered rows of a table."""
