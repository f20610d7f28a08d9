"""Stages: one TOML file each, and the type they are read into."""

from .stage import PLAN, Condition, Stage, StageError, StageMetric, UnknownStage, parse_stage, stage, stages

__all__ = [
    "PLAN",
    "Condition",
    "Stage",
    "StageError",
    "StageMetric",
    "UnknownStage",
    "parse_stage",
    "stage",
    "stages",
]
