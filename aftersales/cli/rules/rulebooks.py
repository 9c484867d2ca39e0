"""The rules and figures of processes as they are printed, and what is wrong with them."""

from pathlib import Path
from typing import Any

from aftersales.authoring.rulebook_document import figures, rulebook_document, rules, states
from aftersales.cli.exit_status import REFUSED
from aftersales.cli.output import complain, print_json, print_table, say
from workflows.engine.process import Process
from workflows.registry import FAULTS, PROCESSES, process_of

_RULES = {
    "rule": "规则",
    "label": "名称",
    "clause": "条款",
    "who": "谁",
    "state_label": "状态",
    "conditions": "条件",
    "to_label": "变为",
    "effects": "随即",
    "clock": "时限",
}
STATES = {
    "state_label": "状态",
    "who": "谁",
    "action": "做什么",
    "rule": "规则",
    "form": "要填",
    "conditions": "条件",
    "result": "之后",
    "costs": "费用",
}
FIGURES = {
    "name": "参数",
    "label": "名称",
    "value": "值",
    "unit": "单位",
    "clause": "条款",
    "source": "来源",
    "provenance": "性质",
}


def print_rulebooks(process: str | None, *, by_state: bool, as_json: bool) -> None:
    """Print the rules and figures of a process, or of all."""
    chosen = _chosen(process)
    if as_json:
        print_json(
            {book.name: {"rules": rules(book), "states": states(book), "figures": figures(book)} for book in chosen}
        )
        return
    for book in chosen:
        if by_state:
            _print_rows(f"{book.label} · {book.name} 按状态查", STATES, states(book))
        else:
            _print_rows(f"{book.label} · {book.name} 规则", _RULES, rules(book))
            _print_rows(f"{book.label} · {book.name} 参数", FIGURES, figures(book))


def write_rulebooks(process: str | None, folder: Path) -> None:
    """Write the rule book of a process, or of all, to a folder."""
    chosen = _chosen(process)
    folder.mkdir(parents=True, exist_ok=True)
    for book in chosen:
        (folder / f"{book.name}.md").write_text(rulebook_document(book), encoding="utf-8")
        say(f"{folder / book.name}.md")


def _chosen(process: str | None) -> list[Process]:
    """Return a process, or all, with a line for each that cannot be used."""
    if process:
        return [process_of(process)]
    warn_of_faults()
    return list(PROCESSES.values())


def warn_of_faults() -> None:
    """Print a line for each process that cannot be used, and go on with the others."""
    for fault in FAULTS.values():
        complain(f"warning: {fault}")


def _print_rows(title: str, columns: dict[str, str], rows: list[dict[str, Any]]) -> None:
    cells = [[row[name] for name in columns] for row in rows]
    shown = [["、".join(cell) if isinstance(cell, list | tuple) else cell for cell in row] for row in cells]
    print_table(title, columns.values(), shown)


def check_processes(process: str | None) -> int:
    """Print what is wrong with a process, or with all, also with faulty and unregistered ones."""
    from aftersales.authoring.process_check import (
        broken_invariants,
        misplaced_advice,
        missing,
        platform_faults,
        unheard,
        unregistered,
    )

    chosen = [process_of(process)] if process else list(PROCESSES.values())
    wrong = [] if process else [*(str(fault) for fault in FAULTS.values()), *unregistered()]
    for book in chosen:
        faults = [
            *missing(book),
            *platform_faults(book.name),
            *broken_invariants(book),
            *unheard(book),
            *misplaced_advice(book),
        ]
        if not faults:
            say(f"{book.name}: ok")
        wrong += faults
    for line in wrong:
        complain(line)
    return REFUSED if wrong else 0
