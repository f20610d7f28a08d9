"""Kernels that must be refused."""
