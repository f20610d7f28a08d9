"""Softmax over the rows."""
