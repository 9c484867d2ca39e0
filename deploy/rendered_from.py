"""What the rendered manifests follow from; apart, so that a test can ask it without Helm."""

import hashlib
from pathlib import Path

DEPLOY = Path(__file__).parent
CHART = DEPLOY / "helm" / "aftersales"
EXAMPLES = DEPLOY / "helm" / "examples"
RENDERED = DEPLOY / "helm" / "rendered"


def digest_of_chart() -> str:
    """Return a digest of the chart and of the examples that are rendered with it."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in (CHART, EXAMPLES) for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(DEPLOY)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def header(example: str) -> str:
    """Return the lines with which a rendered file begins."""
    return f"# Made by `make manifests` from {example}; not edited by hand.\n# Follows from {digest_of_chart()}\n"
