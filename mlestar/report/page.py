"""The report: one HTML file that needs nothing else, and is the same for the same run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from mlestar.report import ablation, importance, inputs, lineage, refinement, search, story
from mlestar.report.checks import checks
from mlestar.report.curves import curves, over_time
from mlestar.report.numbers import duration, plain
from mlestar.report.run import Run
from mlestar.report.source import highlighted
from mlestar.report.words import validation

__all__ = ["render"]


def render(run: Run) -> str:
    """The report of ``run`` as one self-contained HTML document.

    The document refers to nothing outside itself, and its content security policy lets only its own style sheet and
    script act, so that text from the data stays text. Equal runs give equal bytes.
    """
    style, script = _template_file("style.css"), _template_file("sort.js")
    template = _environment().get_template("report.html")
    return template.render(
        run=run,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        banner=story.banner(run),
        tiles=story.tiles(run),
        score_chart=story.score_chart(run),
        intervals_note=story.intervals_note(run),
        threshold=story.threshold(run),
        matters=story.matters(run),
        worries=story.worries(run),
        series=search.series(run),
        trajectory=search.trajectory_chart(run),
        contributions=search.contributions(run),
        leaderboard=search.leaderboard(run),
        ablations=ablation.ablations(run),
        refinement_yield=refinement.refinement_yield(run),
        refinements=refinement.refinements(run),
        ensemble=search.ensemble(run),
        validation=validation(run.task, run.plan),
        checks=checks(run),
        curves=curves(run),
        over_time=over_time(run),
        importance=importance.importance(run),
        facts=inputs.facts(run),
        roles=inputs.roles(run),
        columns=inputs.columns(run),
        budget=inputs.budget(run),
        ancestry=lineage.ancestry(run),
        digests=lineage.digests(run),
        environment=lineage.environment(run),
        spec=lineage.spec(run),
        table_options=" --table NAME=FILE ..." if run.task.get("tables") else "",
        program=highlighted(run.final_program or run.program),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mlestar.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "duration": duration}
    return environment


def _policy(style: str, script: str) -> str:
    """A content security policy under which nothing is loaded and only our own style sheet and script act."""
    own = f"style-src '{_source_hash(style)}'; script-src '{_source_hash(script)}'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _template_file(name: str) -> str:
    return (files("mlestar.report") / "templates" / name).read_text(encoding="utf-8")


def _source_hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
