"""Evaluation without a GPU."""
