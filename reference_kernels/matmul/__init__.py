"""A product of two matrices."""
