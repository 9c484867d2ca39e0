"""The reference documents that are made from the code: settings and commands.

``python -m aftersales.cli.reference docs`` writes them.
"""

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from aftersales.cli.main import app
from aftersales.runtime.settings import Settings

CONNECTION = (
    "Set as environment variables. The connection to Temporal is not among them: it follows Temporal's own variables "
    "(`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`) and the profiles of "
    "`temporal.toml` (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`)."
)
MADE = "<!-- made from the code by: make docs -->"


def settings_document() -> str:
    """Every setting with its variable, default and meaning."""
    rows = [
        f"| `AFTERSALES_{name.upper()}` | `{'' if field.default is None else field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    parts = [
        "# Settings",
        MADE,
        CONNECTION,
        "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows]),
    ]
    return "\n\n".join(parts) + "\n"


def commands_document() -> str:
    """Every command with its arguments and options."""
    group: Any = get_command(app)
    parts = ["# Commands", MADE, f"{group.help}"]
    parts.append("Exit status: 0, 1 (the rules refused, an expectation failed, a history changed) or 2 (bad input).")
    for name, command in group.commands.items():
        parts.append(f"## aftersales {name}")
        parts.append(" ".join(command.help.split()))
        rows = [f"| {_spelled(each)} | {each.help or ''} |" for each in command.params if each.name != "help"]
        if rows:
            parts.append("\n".join(["| argument | meaning |", "| --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.display_name_raw.upper()}"
    return f"`{parameter.opts[0]}{value}`"


DOCUMENTS = {"settings.md": settings_document, "commands.md": commands_document}


def main(folder: Path) -> None:
    """Write the documents to a folder."""
    for name, document in DOCUMENTS.items():
        (folder / name).write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
