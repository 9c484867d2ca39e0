"""The performance of a toy's effects."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How

EFFECTS: Mapping[str, How] = {"agree_on_platform": PLATFORM_CALL}
