"""LayerNorm in bf16 over 4096 columns."""
