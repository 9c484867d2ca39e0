"""The activity that finds cases whose workflows ended without them, and tells operators and the ledger (G-14)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, TypeVar

from temporalio import activity

from cases.errors import CaseError, PlatformRefused
from cases.ledger import Ending, KnownCase, OpenedCase
from cases.messages import ActionRequired, ConsoleTask, EndedCase, EndedLook, EndedLookCall
from cases.ports import CaseSearch, Ledger, NoticeChannels, Notifier

CASES_PER_QUESTION: Final = 200
"""Cases in one question to the ledger."""
WHY: Final[dict[Ending, str]] = {
    "terminated": "工作流被终止(Terminate)/ its workflow was terminated",
    "failed": "工作流失败 / its workflow failed",
    "cancelled": "工作流被取消 / its workflow was cancelled",
    "timed_out": "工作流超时 / its workflow timed out",
}

Found = TypeVar("Found")


def ended_cases_activity(
    search: CaseSearch, ledger: Ledger, notifier: Notifier, channels: NoticeChannels | None = None
) -> Callable[..., Any]:
    """Return the activity that looks once."""

    @activity.defn(name="look_for_ended")
    async def look_for_ended(call: EndedLookCall) -> EndedLook:
        return await EndedCaseLook(search, ledger, notifier, channels).look(call)

    return look_for_ended


class EndedCaseLook:
    """One look; it may be repeated, since what the ledger has is no news and a notification has its own key."""

    def __init__(
        self, search: CaseSearch, ledger: Ledger, notifier: Notifier, channels: NoticeChannels | None = None
    ) -> None:
        self._search, self._ledger, self._notifier, self._channels = search, ledger, notifier, channels

    async def look(self, call: EndedLookCall) -> EndedLook:
        """Enter running cases that the ledger does not have, then find and tell those that ended early.

        A case that could not be told is told by the next look: the look fails once it has told the others.
        """
        registered = 0
        async for running in _batched(self._search.running()):
            registered += await asyncio.to_thread(self._register, running)
        ended = news = 0
        failures: list[CaseError] = []
        async for cases in _batched(self._search.ended_early(call.since)):
            ended += len(cases)
            for case in await asyncio.to_thread(self._unheard_of, cases):
                try:
                    await self._tell(case)
                except CaseError as failed:
                    failures.append(failed)
                else:
                    news += await asyncio.to_thread(self._ledger.ended, case.case_id, case.ending, case.at)
        if failures:
            raise failures[0]
        return EndedLook(ended=ended, news=news, registered=registered)

    def _register(self, running: Sequence[OpenedCase]) -> int:
        """Enter the cases that the ledger does not have, and correct those that it takes for ended early."""
        known = self._ledger.known([case.case_id for case in running])
        new = [case for case in running if case.case_id not in known]
        if new:
            self._ledger.opened(new)
        for case in known.values():
            if case.ending is not None:
                self._ledger.revived(case.case_id)
        return len(new)

    def _unheard_of(self, cases: Sequence[EndedCase]) -> list[EndedCase]:
        """Return the cases of whose end the ledger has not heard, after entering those that it does not have."""
        known = self._ledger.known([case.case_id for case in cases])
        if new := [case for case in cases if case.case_id not in known]:
            self._ledger.opened([OpenedCase(**case.model_dump(include=set(OpenedCase.model_fields))) for case in new])
        return [case for case in cases if self._is_news(case, known.get(case.case_id))]

    def _is_news(self, case: EndedCase, known: KnownCase | None) -> bool:
        if known is None or known.ending is None:
            return known is None or known.state is None
        if known.ended_at is None or case.at <= known.ended_at:
            return False
        self._ledger.revived(case.case_id)  # it was, behind our back, and has ended early again
        return True

    async def _tell(self, case: EndedCase) -> None:
        required = ActionRequired(
            case_id=case.case_id,
            process=case.process,
            shop_id=case.shop_id,
            serial=None,
            step="案件异常终止 / the case's workflow has ended",
            escalates=True,
            why=f"{WHY[case.ending]}:时限已无人盯 / nobody keeps its clocks",
            task=ConsoleTask(page="命令行 / terminal", instruction=f"aftersales revive {case.case_id}"),
            order=case.order,
            key=f"{case.case_id}/ended/{case.run_id}",
        )
        try:
            left = await self._notifier.notify_action_required(required, required.key)
            if left is not None and self._channels is not None:  # the case's workflow is over, and cannot send it
                await self._channels.send_apart(required.key, left)
        except PlatformRefused as refused:  # another try would be refused too; `list` shows the case
            activity.logger.warning("operators cannot be told of an ended case: %s", refused)


async def _batched(found: AsyncIterator[Found]) -> AsyncIterator[list[Found]]:
    """Yield what is found in lists of bounded length, and tell Temporal after each that the look goes on."""
    batch: list[Found] = []
    async for one in found:
        batch.append(one)
        if len(batch) == CASES_PER_QUESTION:
            yield batch
            activity.heartbeat()
            batch = []
    if batch:
        yield batch
