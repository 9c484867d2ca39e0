"""How a toy's effects are performed."""

from collections.abc import Mapping

from activities.effects import PLATFORM_CALL, How

EFFECTS: Mapping[str, How] = {"agree_on_platform": PLATFORM_CALL}
