"""Kernels that try to fool the evaluator and must not succeed."""
