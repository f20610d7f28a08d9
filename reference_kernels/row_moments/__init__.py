"""Mean and variance of the rows."""
