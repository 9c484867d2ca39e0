"""The ports that activities need, and the list of all activities built on them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from activities.effects import How, process_activities
from activities.ended_cases import ended_cases_activity
from activities.ledger import ledger_activities
from activities.local_calls import LocalCalls
from activities.notifications import notification_activities, sending_activity
from activities.other_cases import other_cases_activities
from activities.reconcile import catch_up_activity
from cases.ports import CaseReports, CaseSearch, Ledger, NoticeChannels, Notifier, Platform, Reconcile


@dataclass(frozen=True)
class Dependencies:
    """The marketplaces, the shop's ledger and the operators, each behind a port.

    ``reconcilers``: by marketplace, the search for what no message reported.  ``search``: the search for cases that
    ended early; without it nobody looks for them.  ``reports``: the way by which cases tell each other facts; without
    it they cannot.  ``channels``: those through which notices are sent, if the notifier leaves any to be sent.
    ``noted``: told what reaches a case, with the case's id, for whoever searches for cases by what they know.
    ``console_done``: console tasks count as done at once.
    """

    platform: Platform
    ledger: Ledger
    notifier: Notifier
    reconcilers: Mapping[str, Reconcile] = field(default_factory=dict)
    search: CaseSearch | None = None
    reports: CaseReports | None = None
    channels: NoticeChannels | None = None
    noted: Callable[[str, Any], None] | None = None
    console_done: bool = False


def all_activities(
    effects: Mapping[str, Mapping[str, How]], dependencies: Dependencies, local_calls: LocalCalls | None = None
) -> list[Callable[..., Any]]:
    """Return the activities of every process, by its table of effects, and those that all share."""
    calls = local_calls or LocalCalls()  # one for all processes: a shop's limit is not a process's
    return [
        *(
            made
            for process, table in effects.items()
            for made in process_activities(
                process,
                table,
                dependencies.platform,
                dependencies.ledger,
                dependencies.reports,
                local_calls=calls,
                console_done=dependencies.console_done,
            )
        ),
        *ledger_activities(dependencies.ledger, dependencies.notifier),
        *notification_activities(dependencies.notifier),
        catch_up_activity(dependencies.reconcilers),
        *_reaching_cases(dependencies),
    ]


def _reaching_cases(dependencies: Dependencies) -> Iterator[Callable[..., Any]]:
    if dependencies.search is not None:
        yield ended_cases_activity(
            dependencies.search, dependencies.ledger, dependencies.notifier, dependencies.channels
        )
    if dependencies.channels is not None:
        yield sending_activity(dependencies.channels)
    if dependencies.reports is not None:
        yield from other_cases_activities(dependencies.ledger, dependencies.reports)
