"""Tasks: one folder each, and the type they are read into."""

from .task import Task, TaskError, Tolerance, bundled, load_task

__all__ = ["Task", "TaskError", "Tolerance", "bundled", "load_task"]
