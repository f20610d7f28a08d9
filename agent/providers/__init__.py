"""Providers of replies: openai, manual, replay, tuner."""
