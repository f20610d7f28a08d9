"""Sums over a middle axis."""
