"""A chain of elementwise operations: bias, GELU, residual."""
