"""Everything that can be wrong with a case, in families under one base."""


class CaseError(Exception):
    """The base of all errors of the product; its text is meant for an operator."""


class Refused(CaseError):
    """The rules do not allow this now (G-4)."""


class BadForm(CaseError):
    """What was given does not fit: the text names the field and what was expected, ``place`` is the way to it."""

    def __init__(self, text: str, place: tuple[str | int, ...] = ()) -> None:
        """Keep the text for people and the place for programs."""
        super().__init__(text)
        self.place = place


class PolicyUnknown(BadForm):
    """A policy figure that does not exist was named."""


class PlatformError(CaseError):
    """A call of a platform did not lead to the wished result."""


class PlatformRefused(PlatformError):
    """The platform understood and refused for a business reason: asking again will not help (G-7)."""


class PlatformUnreachable(PlatformError):
    """The platform did not answer, or not in a way that can be understood: asking again may help (G-7)."""


class NotSettledYet(PlatformUnreachable):
    """The platform has not yet decided what its own clock led to: it is asked again with back-off (G-2)."""


class LedgerUnreachable(CaseError):
    """The ledger's database did not answer, or refused: asking again may help."""
