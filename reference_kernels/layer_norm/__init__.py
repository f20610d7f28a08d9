"""LayerNorm over the last three axes."""
