"""The policies of shops that are in force on a day: what its shops file says, and the figures of the rule book."""

from collections.abc import Callable
from datetime import date

from aftersales.importing.case_files import figures_of, read_shops
from aftersales.runtime.settings import Settings
from cases.policy import Policy
from workflows.registry import PROCESSES


def policies_in_force(settings: Settings) -> Callable[[date], Callable[[str], list[Policy]]]:
    """Return a function of a day, which returns a function of a shop, which returns its policies.

    Raises BadFile for a shops file that cannot be used.
    """
    shops = read_shops(settings.shops_file)

    def on(day: date) -> Callable[[str], list[Policy]]:
        def of(shop: str) -> list[Policy]:
            kinds = ((one.case.policy_type(), figures_of(shops, shop, one, {})) for one in PROCESSES.values())
            return [kind.resolve(own).in_force_on(day) for kind, own in kinds]

        return of

    return on
