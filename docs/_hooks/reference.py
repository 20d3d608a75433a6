"""Pages of the reference that are generated when the site is built: the scope spec, the commands and the recipes."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

SPECS = Path(__file__).parents[2] / "specs"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    files.append(File.generated(config, "reference/spec.md", content=spec_page()))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    files.append(File.generated(config, "reference/recipes.md", content=recipes_page()))
    return files


def spec_page() -> str:
    """Every field of the scope spec, from its JSON Schema."""
    schema = json.loads((SPECS / "scope.schema.json").read_text(encoding="utf-8"))
    return "\n".join(_spec_lines(schema))


def _spec_lines(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "# Scope spec"
    yield (
        "A scope spec is a YAML file (or JSON). YAML is read by the core schema of version 1.2: `Yes`, `off` and "
        "`2024-01-31` are text. Unknown keys are errors, and a key with nothing after it counts as left out. "
        "A field without a default is inferred from the data, or nothing is demanded. "
        "[Let an editor check the spec](../how-to/editor.md) says how to have this page at hand while you write.\n"
    )
    yield "```yaml"
    yield (SPECS / "breast-cancer.yaml").read_text(encoding="utf-8").strip()
    yield "```\n"
    yield "## Top level\n"
    sections = {key: section for key, field in schema["properties"].items() if (section := _section(field, schema))}
    yield from _table(schema, sections)
    for key, section in sections.items():
        yield f"\n## {key}\n\n{section['description']}\n"
        yield from _table(section, {})
        for name, field in section["properties"].items():
            if entry := _entry(field, schema):
                yield f"\n### Each of {key}.{name}\n\n{entry['description']}\n"
                yield from _table(entry, {})
    yield "\n## Metrics\n\nWhich metric fits which task; the first is taken where the spec names none.\n"
    from mlestar.data.metric_names import METRICS

    for task, names in METRICS.items():
        yield f"- {task}: {', '.join(f'`{name}`' for name in names)}"
    yield "\n## Checks\n\nThe names in `validation.checks`. [The verdict](../explanation/verdict.md) explains them.\n"
    yield "| check | what it asks |\n|---|---|"
    for name, check in schema["$defs"]["Validation"]["properties"]["checks"]["anyOf"][0]["properties"].items():
        yield f"| `{name}` | {check['description']} |"


def _section(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    references = [kind["$ref"] for kind in field.get("anyOf", [field]) if "$ref" in kind]
    return schema["$defs"][references[0].rpartition("/")[2]] if references else None


def _entry(field: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the entries of a mapping are, whose names the user chooses."""
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") == "object"]
    values = [value for kind in kinds for value in _values_of(kind)]
    return next((section for value in values if (section := _section(value, schema))), None)


def _values_of(kind: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    described = [kind.get("additionalProperties"), *kind.get("patternProperties", {}).values()]
    return [each for each in described if isinstance(each, dict)]


def _table(section: Mapping[str, Any], sections: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | value | default | |\n|---|---|---|---|"
    for key, field in section["properties"].items():
        name = f"[`{key}`](#{key})" if key in sections else f"`{key}`"
        required = key in section.get("required", ())
        default = "**required**" if required else f"`{_yaml(field['default'])}`" if "default" in field else ""
        values = "a section" if key in sections else " or ".join(_values(field))
        examples = ", ".join(f"`{_yaml(each)}`" for each in field["examples"])
        yield f"| {name} | {values} | {default} | {field['description']} For example {examples}. |"


def _values(field: Mapping[str, Any]) -> Iterator[str]:
    """What a field may be, in words."""
    for kind in field.get("anyOf", [field]):
        match kind:
            case {"const": value}:
                yield f"`{value}`"
            case {"enum": values}:
                yield ", ".join(f"`{value}`" for value in values)
            case {"type": "array", "items": items}:
                yield f"list of {' or '.join(_values(items))}"
            case {"type": "object"}:
                yield "mapping"
            case {"type": "string"}:
                yield "duration" if "[0-9]+)?)h" in kind.get("pattern", "") else "text"
            case {"type": "integer" | "number" as number}:
                yield ("whole number" if number == "integer" else "number") + _range(kind)
            case {"type": "boolean"}:
                yield "`true`, `false`"


def _range(kind: Mapping[str, Any]) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
    return ",".join(f" {word} {kind[bound]:,}" for bound, word in words.items() if bound in kind)


def _yaml(value: object) -> str:
    """As one would write it in YAML, where quotes are not needed."""
    return re.sub(r'"([^",:{}\[\]]+)"', r"\1", json.dumps(value))


def commands_page() -> str:
    """Every command with its options, from the program itself."""
    import click
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from mlestar.cli.app import app

    program = get_command(app)
    for command in program.commands.values():
        command.epilog = _console(command.epilog)
        command.short_help = command.help.partition("\n")[0]
    text = get_docs_for_click(obj=program, ctx=click.Context(program), name="mlestar", title="Commands")
    return re.sub(r"^\* `--(install|show)-completion`", r"* `--\1-completion`", text, flags=re.MULTILINE)


def _console(epilog: str | None) -> str:
    """The examples of a command's help as a block of code."""
    examples = [line.strip() for line in (epilog or "").splitlines()[1:]]
    return "\n".join(["**Examples**:\n", "```console", *(f"$ {example}" for example in examples), "```"])


def recipes_page() -> str:
    """Every recipe that mlestar brings, with what its block says of itself."""
    return "\n".join(_recipe_lines())


def _recipe_lines() -> Iterator[str]:
    from mlestar.recipes import catalogue

    yield "# Recipes"
    yield (
        "The blocks that search and refinement draw from, in the order in which a program applies their kinds. "
        "[Write a recipe](../how-to/recipe.md) says how to add one.\n"
    )
    known = set()
    for recipe in catalogue():
        if recipe.kind not in known:
            known.add(recipe.kind)
            yield f"\n## {recipe.kind}\n\n| recipe | | searched |\n|---|---|---|"
        block = recipe.block()
        [function] = [each for each in ast.parse(block.source).body if getattr(each, "name", None) == recipe.kind]
        says = (ast.get_docstring(function) or "").partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        yield f"| `{recipe.name}` | {says} | {', '.join(f'`{each}`' for each in recipe.space)} |"
