"""Causal attention in fp16."""
