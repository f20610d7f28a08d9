"""A linear layer with bias and GELU."""
