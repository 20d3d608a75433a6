"""A scope spec that is right, for tests to change."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def spec() -> str:
    """The text of a valid spec; its lines are counted on by tests of error messages."""
    return """\
apiVersion: mlestar/v1
kind: Scope
name: telco-churn
data:
  train: data/train.csv
  test: gs://bucket/test.csv
task:
  target: Churn
  positive: Yes
budget:
  wall_clock: 1h30m
"""
