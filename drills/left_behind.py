"""What a drill's programs have left on disk: the ledger, the inbox, and the notices that were sent and taken."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from aftersales.ledger.store import SqlLedger
from cases.ledger import CaseOutcome
from drills.comparing import booked

Views = Mapping[str, Mapping[str, Any]]
"""The views of cases, by their ids."""


def outcomes_in(ledger: Path) -> list[CaseOutcome]:
    """Return the outcomes on the books."""
    with SqlLedger(ledger) as books:
        return list(books.outcomes(date.min, date.max))


def ledger_wrong(ledger: Path, views: Views, checked: Counter[str]) -> Iterator[str]:
    """Compare the books with what cases show."""
    with SqlLedger(ledger) as books:
        entries, outcomes = books.entries(date.min, date.max), books.outcomes(date.min, date.max)
        known = books.known(list(views))
    on_books = defaultdict[str, list[tuple[str, str | None]]](list)
    for entry in entries:
        if entry.status != "reversed":
            on_books[entry.case_id].append((entry.key, None if entry.amount is None else str(entry.amount)))
    ended = Counter(outcome.case_id for outcome in outcomes)
    for case_id, seen in views.items():
        if sorted(on_books[case_id]) != booked(seen):
            yield f"{case_id}: the ledger has {sorted(on_books[case_id])}, the case {booked(seen)}"
        if ended[case_id] != (seen["status"] == "closed"):
            yield f"{case_id}: is {seen['status']}, the ledger has {ended[case_id]} outcomes"
        if case_id not in known:
            yield f"{case_id}: the ledger does not know it"
    checked["rows of the ledger"] = len(entries) + len(outcomes)


def inbox_wrong(inbox: Path, pushed: int, checked: Counter[str]) -> Iterator[str]:
    """Compare the inbox with how many messages the sandbox has pushed."""
    with closing(sqlite3.connect(inbox)) as file:
        states = dict(file.execute("SELECT state, count(*) FROM messages GROUP BY 1").fetchall())
        received = {row[0] for row in file.execute("SELECT message_id FROM messages")}
        again = file.execute("SELECT coalesce(sum(again), 0) FROM messages").fetchone()[0]
    checked["messages pushed"], checked["of them pushed again"] = len(received), again
    if set(states) - {"done"}:
        yield f"messages are left in the inbox: {states}"
    if len(received) != pushed:
        yield f"{pushed} messages were pushed, the inbox has {len(received)}"


def notices_wrong(
    log: Path,
    taken: Counter[str],
    failed: Mapping[str, int],
    views: Views,
    outcomes: Iterable[CaseOutcome],
    checked: Counter[str],
) -> Iterator[str]:
    """Compare the keys that the operators' program took with the log, and with what cases say was delivered.

    ``failed``: how often sending each failed; only then its answer was lost, and it may come once more.
    """
    with closing(sqlite3.connect(log)) as file:
        marks = file.execute("SELECT mark FROM closed WHERE became = 'sent'")
        sent = {mark.rpartition("@")[0] for (mark,) in marks}
    for key in sorted(sent - taken.keys()):
        yield f"notice {key} is lost"
    for key in sorted(taken.keys() - sent):
        if not failed.get(key):  # else it was called off before it was sent once more
            yield f"notice {key} was taken, but is not in the log"
    for key, times in taken.items():
        if times > 1 + failed.get(key, 0):
            yield f"notice {key} was taken {times} times, although sending it failed {failed.get(key, 0)} times"
    for case_id, seen in views.items():
        yield from _undelivered(case_id, seen, sum(key.startswith(f"{case_id}/") for key in sent))
    for outcome in outcomes:
        if outcome.key not in sent:
            if _is_telling(views.get(outcome.case_id, {})):
                checked["notices of an outcome still on their way"] += 1
            else:
                yield f"{outcome.case_id}: its outcome was not told: {outcome.key}"
    checked["notices"] = len(taken)
    checked["of them taken twice"] = sum(times > 1 for times in taken.values())
    checked["failed sendings of notices"] = sum(failed.values())


def _undelivered(case_id: str, seen: Mapping[str, Any], sent: int) -> Iterator[str]:
    notices = (*seen["reminders"], *seen["notifications"])
    for one in notices:
        if one["delivered"] is False and one["why"]:
            yield f"{case_id}: a notice was not delivered: {one['why']}"
    # The notice of a step that was taken back and came again has the same key, and is sent once; shown is the new step.
    shown = {step["serial"] for step in seen["effects"]}
    of_steps = [one for one in seen["notifications"] if one.get("notice")]
    again = {one["at"] for one in of_steps if one["serial"] in shown}
    replaced = sum(bool(one["delivered"]) for one in of_steps if one["serial"] not in shown and one["at"] in again)
    delivered = sum(bool(one["delivered"]) for one in notices) - replaced
    if sent < delivered:
        yield f"{case_id}: {delivered} notices were delivered, {sent} have been sent"


def _is_telling(seen: Mapping[str, Any]) -> bool:
    """Return whether the notice of a case's outcome is still being sent."""
    of_outcome = [one for one in seen.get("notifications", ()) if one["serial"] is None and not one["over"]]
    return any(one["delivered"] is None for one in of_outcome)
