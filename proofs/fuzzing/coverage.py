"""Fuzz one target guided by coverage, with atheris: ``python -m proofs.fuzzing.coverage TARGET [libFuzzer options]``.

It begins with what the corpus has; an input that fails is written to the working directory, as libFuzzer does.
"""

import sys

import atheris

with atheris.instrument_imports(include=["aftersales", "cases", "workflows", "statecharts"]):
    from proofs.fuzzing.campaign import TARGETS
    from proofs.fuzzing.target import try_input


def main() -> None:
    """Fuzz until libFuzzer's own limits end it."""
    target = TARGETS[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], lambda content: try_input(target, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
