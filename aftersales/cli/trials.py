"""What is for trials alone, and is left out where real shops are worked for (``deploy/Dockerfile``)."""

from importlib.util import find_spec

from cases.errors import CaseError


def refuse_without_sandbox() -> None:
    """Raise CaseError if the sandbox is not installed."""
    if find_spec("aftersales.sandbox") is None:
        raise CaseError(
            "此安装不含沙箱,不能试运行 / the sandbox is not part of this installation: "
            "`up` and `sandbox` are for trials, and run from a checkout"
        )
