"""The reference documents that are generated from the code: settings, commands and metrics.

``python -m aftersales.cli.reference docs`` writes them.
"""

import sys
from pathlib import Path
from typing import Any

from typer.main import get_command

from aftersales.cli.main import COMMANDS, app, load_command
from aftersales.monitoring.figures import DESCRIBED
from aftersales.runtime.settings import Settings
from statecharts.analysis.rulebook_rows import markdown_table

CONNECTION = (
    "Set as environment variables. The connection to Temporal is not among them: it follows Temporal's own variables "
    "(`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`) and the profiles of "
    "`temporal.toml` (`TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`)."
)
GENERATED = "<!-- generated from the code by: make docs -->"
EXIT_STATUS = (
    "Exit status: 0, 1 (the rules or the platform refused, an expectation failed, a history changed), 2 (bad input, or "
    "no answer from a server), 3 (a decision was sent and no answer came: it may have been taken) or 130 (interrupted)."
)
WHERE_MEASURED = (
    "Served at `/metrics` of `AFTERSALES_METRICS_ADDRESS`, beside those of Temporal's SDK (`temporal_...`) and of the "
    "process (`process_...`). A gauge that was never measured, or that another process measures, is missing: it is not "
    "0. Which process measures what, how many values a label has, and what to do when a figure is wrong, is in "
    "[operations.md](operations.md#metrics)."
)
SHELL_COMPLETION = "`aftersales --install-completion` sets up the completion of commands and options in your shell."


def settings_document() -> str:
    """Return the document of all settings with their variables, defaults and meanings."""
    rows = [
        (f"`AFTERSALES_{name.upper()}`", f"`{_written(field.default)}`", str(field.description))
        for name, field in Settings.model_fields.items()
    ]
    table = markdown_table(("variable", "default", "meaning"), rows)
    return f"# Settings\n\n{GENERATED}\n\n{CONNECTION}\n\n{table}\n"


def _written(default: Any) -> str:
    """Return a default as it is written in the environment."""
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def commands_document() -> str:
    """Return the document of all commands with their arguments and options."""
    parts = ["# Commands", GENERATED, str(get_command(app).help), EXIT_STATUS, SHELL_COMPLETION]
    for name in COMMANDS:
        command = load_command(name)
        parts += [f"## aftersales {name}", " ".join(str(command.help).split())]
        rows = [(_signature(parameter), parameter.help or "") for parameter in _described(command)]
        if rows:
            parts.append(markdown_table(("argument", "meaning"), rows))
    return "\n\n".join(parts) + "\n"


def _described(command: Any) -> list[Any]:
    return [parameter for parameter in command.params if parameter.name != "help"]


def _signature(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = (parameter.metavar or parameter.name.upper()) + ("..." if parameter.nargs == -1 else "")
        return f"`{name}`" if parameter.required else f"`[{name}]`"
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.display_name_raw.upper()}"
    return f"`{parameter.opts[0]}{value}`"


def metrics_document() -> str:
    """Return the document of all figures of ours for Prometheus."""
    rows = [
        (f"`{figure.name}`", figure.kind, ", ".join(f"`{label}`" for label in figure.labels) or "-", figure.meaning)
        for figure in DESCRIBED
    ]
    table = markdown_table(("name", "type", "labels", "meaning"), rows)
    return f"# Metrics\n\n{GENERATED}\n\n{WHERE_MEASURED}\n\n{table}\n"


DOCUMENTS = {"settings.md": settings_document, "commands.md": commands_document, "metrics.md": metrics_document}


def main(folder: Path) -> None:
    """Write the documents to a folder."""
    for name, document in DOCUMENTS.items():
        (folder / name).write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
