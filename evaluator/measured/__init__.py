"""Evaluation on a CUDA card."""
