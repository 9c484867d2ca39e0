"""The errors of the product, in families under one base."""


class CaseError(Exception):
    """The base of all errors of the product; its text is meant for an operator."""


class Refused(CaseError):
    """The rules do not allow an action now (G-4)."""


class ProcessFault(CaseError):
    """A process whose chart, case or modules are wrong; the text says what and where."""


class BadForm(CaseError):
    """An invalid input; the text names the field and what was expected, ``place`` is the path of the field."""

    def __init__(self, text: str, place: tuple[str | int, ...] = ()) -> None:
        """Keep the text for people and the place for programs."""
        super().__init__(text)
        self.place = place


class NoCredentials(BadForm):
    """A shop or an application that this installation has no credentials for."""


class PolicyUnknown(BadForm):
    """A policy figure that does not exist."""


class UnreadableCase(CaseError):
    """A case written by another release, which this one cannot read: it waits for a worker that can."""


class PlatformError(CaseError):
    """A call of a platform failed."""


class PlatformRefused(PlatformError):
    """A refusal of the platform for a business reason: a retry will not help (G-7)."""


class PlatformUnreachable(PlatformError):
    """No answer from the platform, or an unintelligible one: a retry may help (G-7)."""


class ClockWrong(PlatformUnreachable):
    """A call that a platform does not take because our clock is wrong: it says nothing of the case (G-7)."""


class NotResolvedYet(PlatformUnreachable):
    """No decision of the platform yet after its clock ran out: it is asked again with back-off (G-2)."""


class LedgerUnreachable(CaseError):
    """No answer from the ledger's database, or a refusal: a retry may help."""
