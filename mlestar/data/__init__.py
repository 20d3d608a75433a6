"""Data: sources, the task, splits and folds, statistics. Only the task is imported here; the rest needs pandas."""

from __future__ import annotations

from mlestar.data.task import Column, Task

__all__ = ["Column", "Task"]
