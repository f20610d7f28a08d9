"""Kernels with honest mistakes, which must be refused."""
