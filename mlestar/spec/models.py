"""The fields of the scope spec.

The models are the one source of the format: loading validates against them, ``specs/scope.schema.json`` is generated
from them, and the descriptions below are what an editor shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from mlestar.errors import quoted
from mlestar.spec.types import ColumnName, Names, SeveralNames, Slug, TableName, Uri, WallClock

__all__ = [
    "Auxiliary",
    "Budget",
    "Constraints",
    "Data",
    "Objective",
    "Pipeline",
    "Purpose",
    "Scope",
    "TaskSpec",
    "Validation",
]


_MOST_TABLES = 32  # their files are passed to a worker in one message


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_left_out(cls, content: Any) -> Any:
        """``objective:`` with all its keys commented out is null in YAML, and means that nothing was said."""
        if not isinstance(content, dict):
            return content
        known = {info.alias or name for name, info in cls.model_fields.items()}
        return {key: value for key, value in content.items() if value is not None or key not in known}


class Purpose(_Section):
    """Why the model exists; goes into the model card."""

    intended_use: str | None = Field(
        None, description="What the predictions are used for, and by whom.", examples=["Rank customers for a call."]
    )
    out_of_scope: str | None = Field(
        None, description="What the model must not be used for.", examples=["Pricing of single customers."]
    )
    owner: str | None = Field(None, description="Who answers for the model.", examples=["retention@example.com"])


class Auxiliary(_Section):
    """A further table, whose rows belong to those of the training table by a key."""

    uri: Uri = Field(description="Where it is, as for data.train.", examples=["data/stores.csv"])
    key: ColumnName | SeveralNames = Field(
        description="Column, or columns, of both tables: rows with the same values there belong together.",
        examples=["store", ["store", "month"]],
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The key columns, one or several."""
        return _names(self.key)


class Data(_Section):
    """Where the data is; a relative path is relative to the folder of the spec."""

    train: Uri = Field(
        description="Table with the target: CSV or Parquet file, gs:// or s3:// URI, or sklearn:<data set>.",
        examples=["data/train.csv", "gs://bucket/train.parquet", "sklearn:breast_cancer"],
    )
    test: Uri | None = Field(
        None,
        description="Table without the target, for which predictions are wanted.",
        examples=["data/test.csv"],
    )
    auxiliary: Mapping[TableName, Auxiliary] = Field(
        {},
        description="Further tables by name, joined by a key; they hold what is known when a prediction is made.",
        examples=[{"stores": {"uri": "data/stores.csv", "key": "store"}}],
        max_length=_MOST_TABLES,
    )
    sample: bool = Field(
        True,
        description="Whether some of the training rows may be written beside the program, for the tests of it.",
        examples=[False],
    )


class TaskSpec(_Section):
    """What is to be predicted. Whatever is left out is inferred from the data, and the inference is shown."""

    target: ColumnName | SeveralNames = Field(
        description="Column to predict; a list of columns for a regression with several outputs.",
        examples=["Churn", ["height", "weight"]],
    )
    type: Literal["binary", "multiclass", "regression"] | None = Field(
        None, description="Kind of the task.", examples=["binary", "regression"]
    )
    metric: str | None = Field(
        None,
        description="Metric that is optimised and judged by.",
        examples=["roc_auc", "rmse"],
        min_length=1,
    )
    positive: str | int | float | bool | None = Field(
        None, description="Value of the target that is the positive class of a binary task.", examples=["Yes", 1]
    )
    id: ColumnName | None = Field(
        None,
        description="Column that names the row: kept beside the predictions, never a feature.",
        examples=["customerID"],
    )
    time: ColumnName | None = Field(
        None, description="Column that orders the rows: folds then validate on later rows only.", examples=["date"]
    )
    group: ColumnName | None = Field(
        None,
        description="Column whose rows belong together, such as a patient: no group is split between folds.",
        examples=["patient_id"],
    )
    text: Names | None = Field(None, description="Columns that hold free text.", examples=[["message"]])

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns, one or several."""
        return _names(self.target)

    @field_validator("type")
    @classmethod
    def _several_targets_are_regression(cls, value: str | None, info: ValidationInfo) -> str | None:
        targets = _names(info.data.get("target"))
        if value not in {None, "regression"} and len(targets) > 1:
            raise ValueError(
                f"{value!r} does not go with {len(targets)} targets; name one target or write 'regression'"
            )
        return value

    @field_validator("positive")
    @classmethod
    def _positive_is_binary(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("type")
        if value is not None and kind not in {None, "binary"}:
            raise ValueError(f"a {kind} task has no positive class; remove it, or write 'type: binary'")
        return value

    @field_validator("id", "time", "group", "text")
    @classmethod
    def _target_has_no_other_role(
        cls, value: str | tuple[str, ...] | None, info: ValidationInfo
    ) -> str | tuple[str, ...] | None:
        targets = _names(info.data.get("target"))
        if both := [name for name in _names(value) if name in targets]:
            raise ValueError(f"{quoted(both[0])} is the target; name another column")
        return value


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


class Objective(_Section):
    """What the model must achieve on the holdout to be blessed."""

    at_least: float | None = Field(
        None,
        description="Score that must be reached on the holdout; for a metric where less is better, not be exceeded.",
        examples=[0.84],
    )
    beat: Annotated[tuple[Literal["baseline"], ...], Field(strict=False)] = Field(
        ("baseline",), description="Models that the new one must not lose to.", examples=[["baseline"]]
    )


class Constraints(_Section):
    """What the model must keep to when it serves."""

    predict_ms_p95: float | None = Field(
        None, description="Latency of a prediction for one row, 95th percentile, in milliseconds.", examples=[20], gt=0
    )
    model_mb: float | None = Field(None, description="Size of the saved model in megabytes.", examples=[50], gt=0)
    forbidden_features: Names = Field(
        (), description="Columns that the model must not see.", examples=[["gender", "postcode"]]
    )


class Validation(_Section):
    """How scores are estimated, and which checks gate the verdict."""

    holdout: float | None = Field(
        None,
        description="Share of the rows that nothing but validate sees.",
        examples=[0.2],
        ge=0.05,
        le=0.5,
    )
    folds: int | None = Field(
        None,
        description="Folds of the cross-validation.",
        examples=[5],
        ge=2,
        le=20,
    )
    gap: int = Field(
        0, description="Rows left out between training and validation rows of time-ordered folds.", examples=[24], ge=0
    )
    checks: Mapping[str, Literal["error", "warn", "off"]] = Field(
        {},
        description="Severity of single checks: a failed 'error' refuses the model, a failed 'warn' does not.",
        examples=[{"label_shuffle": "warn"}],
    )


class Budget(_Section):
    """How much the whole run may cost."""

    wall_clock: WallClock = Field(
        600.0,
        description="Time from process start to delivered model, as 90s, 10m, 1h30m or a number of seconds.",
        examples=["10m", "1h30m", 90],
        json_schema_extra={"default": "10m"},
    )
    evaluations: int | None = Field(
        None,
        description="Fits of one candidate on one fold. Given instead of time, the run depends on the seed alone.",
        examples=[400],
        ge=1,
        le=1_000_000,
    )


class Pipeline(_Section):
    """How the search is laid out."""

    branches: int = Field(
        2,
        description="Searches that run side by side, each over model families of its own.",
        examples=[2],
        ge=1,
        le=8,
    )
    outer_steps: int = Field(
        2,
        description="Rounds of ablate and refine; unrolled in the DAG when it is compiled.",
        examples=[2],
        ge=1,
        le=6,
    )
    inner_steps: int = Field(4, description="Plans that refine tries for one block.", examples=[4], ge=1, le=100)
    ensemble_rounds: int = Field(
        5,
        description="Ways of combining candidates that are tried: the mean of the best three different models, of the "
        "best four, of the best six, greedy weights; from 4 on, all of them.",
        examples=[5],
        ge=1,
        le=100,
    )
    block_library: Uri | None = Field(
        None,
        description="Folder or bucket of what shipped: search starts from that of related tasks, finalize adds to it.",
        examples=["library", "gs://bucket/library"],
    )
    warm_start: Uri | None = Field(
        None,
        description="Folder of an earlier run, or its solution.py: search starts from what shipped there.",
        examples=["runs/telco-churn"],
    )


class Scope(_Section):
    """What a team wants: data, target, metric, limits and budget."""

    api_version: Literal["mlestar/v1"] = Field(
        alias="apiVersion", description="Version of this format.", examples=["mlestar/v1"]
    )
    kind: Literal["Scope"] = Field(description="Kind of the document.", examples=["Scope"])
    name: Slug = Field(
        description="Name of the scope: lower-case letters, digits and hyphens.", examples=["telco-churn"]
    )
    purpose: Purpose | None = Field(None, examples=[{"intended_use": "Rank customers for a call."}])
    data: Data = Field(examples=[{"train": "data/train.csv"}])
    task: TaskSpec = Field(examples=[{"target": "Churn"}])
    objective: Objective = Field(Objective(), examples=[{"at_least": 0.84}])
    constraints: Constraints = Field(Constraints(), examples=[{"predict_ms_p95": 20}])
    validation: Validation = Field(Validation(), examples=[{"holdout": 0.2}])
    budget: Budget = Field(Budget(), examples=[{"wall_clock": "10m"}])
    pipeline: Pipeline = Field(Pipeline(), examples=[{"branches": 2}])
    seed: int = Field(0, description="Seed of everything that is random.", examples=[0], ge=0, le=2**32 - 1)

    def to_json(self) -> str:
        """One line of ASCII JSON, which :func:`mlestar.spec.parse_scope` reads back as an equal scope."""
        return json.dumps(self.model_dump(mode="json", exclude_none=True))
