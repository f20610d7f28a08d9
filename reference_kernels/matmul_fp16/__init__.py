"""A matrix product in fp16."""
