"""What the pages of the desk work with: Temporal, the ledger, the settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from temporalio.client import Client

from aftersales.desk.access.users import Role, User
from aftersales.desk.handling.case_reading import CaseReader
from aftersales.desk.handling.deciding import DecisionSender
from aftersales.desk.waiting.kept_counts import KeptCounts
from aftersales.ledger.open_stakes import KeptStakes
from aftersales.ledger.store import SqlLedger
from aftersales.runtime.client.sender_header import by_desk, with_sender
from aftersales.runtime.settings import Settings
from cases.errors import Refused


@dataclass(frozen=True)
class DeskServices:
    """The services of one desk: ``shops`` are the names of shops by id, where they are known."""

    client: Client
    ledger: SqlLedger
    settings: Settings
    shops: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cases(self) -> CaseReader:
        """The reader of cases."""
        return CaseReader(self.client)

    @cached_property
    def decisions(self) -> DecisionSender:
        """The sender of decisions."""
        return DecisionSender(self.cases)

    @cached_property
    def counts(self) -> KeptCounts:
        """The counts of groups that are kept for some seconds."""
        return KeptCounts()

    @cached_property
    def stakes(self) -> KeptStakes:
        """What is at stake in open cases."""
        return KeptStakes(self.client)

    def client_of(self, user: User) -> Client:
        """Return the client whose inputs to cases bear a user's name (G-13); raises Refused for who only looks."""
        if not user.role.includes(Role.HANDLE):
            raise Refused(f"您的权限是「{user.role.label}」,不能处理案件 / you may only look at cases")
        return with_sender(self.client, by_desk(user.name))

    def shop_name(self, shop: str | None) -> str:
        """Return the name of a shop, or its id."""
        return self.shops.get(shop or "", shop or "")

    def shops_of(self, user: User, *named: Iterable[str]) -> list[str]:
        """Return the shops that a user may choose from: those that are known, and those that are named."""
        known = dict.fromkeys([*self.shops, *(user.shops or ()), *(shop for some in named for shop in some)])
        return [shop for shop in known if shop and user.sees(shop)]
