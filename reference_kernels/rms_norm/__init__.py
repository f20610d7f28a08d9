"""RMSNorm in bf16."""
