"""One target under libFuzzer, in a process of its own; arguments are its name and libFuzzer's.

Nothing of the service may be imported before: only what is imported under the hook is seen by the fuzzer.
"""

import importlib
import sys

import atheris  # type: ignore[import-untyped]


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["service", "itsdangerous"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
