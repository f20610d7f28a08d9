"""Prompt templates and their one `render`."""
