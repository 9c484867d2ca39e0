"""Render the chart's examples into ``deploy/helm/rendered``, and check all of ``deploy`` by schemas and linters.

Run by ``make manifests``, in an environment of its own: what it needs is large, and the tests read what it has written.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import compose_spec
import helm_python
import kubernetes_validate
import yaml
from rendered_from import CHART, DEPLOY, EXAMPLES, RENDERED, header

KUBERNETES = ("1.30", "1.37")
"""The oldest release that the chart allows, and the newest whose schemas are known."""
VARIABLE = re.compile(r"(?<!\$)\$\{\w+(?::-(?P<default>[^}]*)|:\?[^}]*)?\}")
"""A variable of a compose file, with its default or with what is said where it is missing."""
OF_OTHERS = ("keda.sh/", "monitoring.coreos.com/")
"""API groups whose schemas are not part of Kubernetes: the tests check their fields."""


def rendered(example: Path) -> str:
    """Return what the chart makes of the values of a file."""
    values = yaml.safe_load(example.read_text(encoding="utf-8"))
    with helm_python.Chart.load(CHART) as chart:
        made = chart.render(values, name="aftersales", namespace="shop")
    parts = [text.strip() for name, text in sorted(made.items()) if name.endswith(".yaml") and text.strip()]
    return "\n---\n".join(part.removeprefix("---\n") for part in parts) + "\n"


def faults_of_manifests(name: str, text: str) -> Iterator[str]:
    """Yield what the schemas of Kubernetes refuse."""
    for manifest in filter(None, yaml.safe_load_all(text)):
        what = f"{name}: {manifest['kind']} {manifest['metadata']['name']}"
        for version in KUBERNETES:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as bad:
                yield f"{what}: Kubernetes {version}: {'.'.join(map(str, bad.path))}: {bad.message}"
            except kubernetes_validate.SchemaNotFoundError:
                if not manifest["apiVersion"].startswith(OF_OTHERS):
                    yield f"{what}: Kubernetes {version} has no {manifest['apiVersion']}"


def faults_of_chart() -> Iterator[str]:
    """Yield what Helm's own linter refuses."""
    for example in sorted(EXAMPLES.glob("*.yaml")):
        values = yaml.safe_load(example.read_text(encoding="utf-8"))
        found: dict[str, Any] = helm_python.lint(CHART, values, strict=True, kube_version=f"{KUBERNETES[-1]}.0")
        yield from (f"{example.name}: {fault}" for fault in found["errors"])


def faults_of_compose() -> Iterator[str]:
    """Yield what the specification of compose files refuses."""
    for path in sorted((DEPLOY / "compose").glob("compose*.yaml")):
        # The parser knows neither variables nor merge keys, which Compose resolves first.
        text = VARIABLE.sub(lambda found: found["default"] or "given", path.read_text(encoding="utf-8"))
        try:
            compose_spec.PyCompose.from_yaml(yaml.safe_dump(yaml.safe_load(text)))
        except ValueError as bad:
            yield f"{path.name}: {bad}"


def faults_of_image() -> Iterator[str]:
    """Yield what hadolint finds."""
    linter = Path(sys.executable).parent / "hadolint"
    found = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)  # noqa: S603
    yield from (found.stdout + found.stderr).splitlines()


def main() -> int:
    """Write the rendered files; return 1 if anything is refused."""
    faults = [*faults_of_chart(), *faults_of_compose(), *faults_of_image()]
    for path in sorted((DEPLOY / "helm").glob("*.yaml")):
        faults += faults_of_manifests(path.name, path.read_text(encoding="utf-8"))
    RENDERED.mkdir(exist_ok=True)
    for example in sorted(EXAMPLES.glob("*.yaml")):
        text = rendered(example)
        faults += faults_of_manifests(example.name, text)
        (RENDERED / example.name).write_text(header(example.name) + text, encoding="utf-8")
        print(f"{RENDERED.name}/{example.name}: {text.count('apiVersion: ')} manifests")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
