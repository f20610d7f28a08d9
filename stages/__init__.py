"""Stages: one TOML file each, and the type they are read into."""

from .stage import PLAN, Condition, Stage, StageMetric, UnknownStage, stage, stages

__all__ = ["PLAN", "Condition", "Stage", "StageMetric", "UnknownStage", "stage", "stages"]
