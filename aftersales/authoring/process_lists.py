"""The lists of processes in documents written by hand: made from the registry, between markers.

``python -m aftersales.authoring.process_lists FILE...`` renews them: everything between ``<!-- processes -->`` and
``<!-- /processes -->``; ``<!-- processes: views -->`` and ``<!-- processes: steps -->`` hold other lists of them, and
``<!-- states: PROCESS -->`` and ``<!-- order states: PROCESS -->`` the states of one.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from statemachine import HistoryState

from activities.effects import PLATFORM_CALL
from aftersales.authoring.process_check import effects_of, is_task
from aftersales.runtime.settings import Settings
from aftersales.runtime.temporal.web_ui import link, list_address, saved_views
from workflows.engine.process import Process
from workflows.registry import PROCESSES

LIST = re.compile(r"(<!-- processes(?:: (\w+))? -->\n).*?(\n<!-- /processes -->)", re.DOTALL)
STATE_TABLE = re.compile(r"(<!-- (order )?states: (\w+) -->\n).*?(\n<!-- /states -->)", re.DOTALL)
RULE_BOOKS = Path("docs/rulebook")


def renewed(document: Path, text: str) -> str:
    """Return a document's text with its lists of processes as the registry has them now.

    ``document`` is relative to the repository: links lead from its folder.
    """
    text = LIST.sub(lambda match: match[1] + LISTS[match[2]](document) + match[3], text)
    return STATE_TABLE.sub(
        lambda match: match[1] + _states(PROCESSES[match[3]], of_order=bool(match[2])) + match[4], text
    )


def _states(process: Process, *, of_order: bool) -> str:
    chart = process.order_chart if of_order else process.chart
    states = [state for state in chart.states_map.values() if not isinstance(state, HistoryState)] if chart else []
    return "\n".join(
        [
            f"| state{' of an order' if of_order else ''} | label | final |",
            "|---|---|---|",
            *(
                f"| `{state.id}` | {state.name} | {'yes' if state.final else 'no'} |"
                for state in states
                if state.is_atomic
            ),
        ]
    )


def _names(document: Path) -> str:
    folder = "/".join([".."] * len(document.parent.parts)) or "."
    books = (Path(folder) / RULE_BOOKS).as_posix().removeprefix("../docs/")
    return "\n".join(f"- [`{name}`]({books}/{name}.md) {process.label}" for name, process in PROCESSES.items())


def _views(_: Path) -> str:
    fields = Settings.model_fields
    listed_at = list_address(fields["ui_address"].default, "default")
    due = f"http://{fields['gateway_host'].default}:{fields['gateway_port'].default}/due/12"
    rows = [
        f"| [12 小时内到期]({due}) | open cases with a deadline within 12 h, overdue ones included |",
        *(f"| [{name}]({link(listed_at, query, name)}) | `{query}` |" for name, query in saved_views([]).items()),
    ]
    return "\n".join(["| view | query |", "| --- | --- |", *rows])


def _steps(_: Path) -> str:
    rows = []
    for name, process in PROCESSES.items():
        table = effects_of(name)
        performed = [effect for effect in process.effects().values() if effect.name in table]
        calls = [effect.label for effect in performed if table[effect.name] == PLATFORM_CALL]
        tasks = [effect.label for effect in performed if is_task(effect, table[effect.name])]
        rows.append(f"| `{name}` | {'、'.join(calls) or '-'} | {'、'.join(tasks) or '-'} |")
    return "\n".join(["| process | through the platform's interface | console tasks |", "| --- | --- | --- |", *rows])


LISTS: Mapping[str | None, Callable[[Path], str]] = {None: _names, "views": _views, "steps": _steps}


def main(names: list[str]) -> None:
    """Renew the lists of the named documents, relative to the repository in which this runs."""
    for path in map(Path, names):
        path.write_text(renewed(path, path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
