"""Prompt templates and their one `render`."""

from .rendering import PromptError, Rendered, render, templates

__all__ = ["PromptError", "Rendered", "render", "templates"]
