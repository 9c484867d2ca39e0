"""The errors of the product, in families under one base."""


class CaseError(Exception):
    """The base of all errors of the product; its text is meant for an operator."""


class Refused(CaseError):
    """The rules do not allow this now (G-4)."""


class ProcessFault(CaseError):
    """A process whose chart, case or modules are wrong; the text says what and where."""


class BadForm(CaseError):
    """An input does not fit: the text names the field and what was expected, ``place`` is its path."""

    def __init__(self, text: str, place: tuple[str | int, ...] = ()) -> None:
        """Keep the text for people and the place for programs."""
        super().__init__(text)
        self.place = place


class PolicyUnknown(BadForm):
    """A policy figure that does not exist was named."""


class PlatformError(CaseError):
    """A call of a platform failed."""


class PlatformRefused(PlatformError):
    """The platform refused for a business reason: trying again will not help (G-7)."""


class PlatformUnreachable(PlatformError):
    """The platform did not answer, or not intelligibly: trying again may help (G-7)."""


class NotSettledYet(PlatformUnreachable):
    """The platform has not yet decided what its clock led to: it is asked again with back-off (G-2)."""


class LedgerUnreachable(CaseError):
    """The ledger's database did not answer, or refused: trying again may help."""
