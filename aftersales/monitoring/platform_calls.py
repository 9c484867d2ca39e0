"""Measuring the calls of the marketplaces."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from cases.errors import PlatformRefused, PlatformUnreachable

CallResult = Literal["answered", "refused", "unreachable", "cancelled", "failed"]


class PlatformCall:
    """A call under way; a refusal that raises nothing is noted in ``is_refused``."""

    is_refused = False


@contextmanager
def platform_call(marketplace: str, method: str) -> Iterator[PlatformCall]:
    """Measure a call of a marketplace's method; what it raises says how it ended."""
    call, began = PlatformCall(), time.perf_counter()
    result: CallResult = "failed"
    try:
        yield call
        result = "refused" if call.is_refused else "answered"
    except PlatformRefused:
        result = "refused"
        raise
    except PlatformUnreachable:
        result = "unreachable"
        raise
    except asyncio.CancelledError:
        result = "cancelled"
        raise
    finally:
        from aftersales.monitoring.figures import PLATFORM_CALLS  # noqa: PLC0415 - a tenth of a second, for simulations

        PLATFORM_CALLS.labels(marketplace, method, result).observe(time.perf_counter() - began)
