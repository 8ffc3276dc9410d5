"""`make fuzz`: every target, or one, for some minutes each; a line a target. Ends with 1 when anything was found."""

import argparse
import sys
from pathlib import Path

from tests.fuzz import TARGETS
from tests.fuzz.campaign import ROOT, load, run

FOLDER = ROOT / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    parser.add_argument("--minutes", type=float, default=10, help="for each target")
    parser.add_argument("--input", type=Path, help="run a finding of the target again, and nothing else")
    asked = parser.parse_args()
    if asked.input is not None:
        if asked.target is None:
            parser.error("say whose input it is: TARGET=…")
        load(asked.target).check(asked.input.read_bytes())
        print("nothing is wrong with this input any more")
        return 0
    bad = False
    for name in [asked.target] if asked.target else TARGETS:
        report = run(name, FOLDER, max(1, round(60 * asked.minutes)))
        print(report.line, flush=True)
        if report.complaint:
            bad = True
            print(report.complaint, flush=True)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
