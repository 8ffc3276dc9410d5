"""The process in which strangers' images are decoded: it reads paths, answers what the pixels tell, and may die of it.

A line is a path as JSON; the answer is a line of JSON, `{"told": …}` or `{"unreadable": why}`. It has no secrets,
little memory, the lowest priority, and a time for each image after which the system ends it. Left alone it ends itself.
"""

import json
import os
import resource
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY = 320 * 2**20
"""Bytes of address space; a WebP of `pixels.LARGEST` with alpha takes 240 MB of it, a PNG 130."""

SECONDS = 20
"""For one image, by the clock; the largest that is decoded takes about one."""

IDLE = 60.0
"""Seconds without work after which the process ends, and its memory is the system's again."""

CHILD = "service.inspection.pixel_process"


def main() -> None:
    _restrain()
    from service.inspection import pixels  # noqa: PLC0415 - under the limits already

    while select.select([sys.stdin], [], [], IDLE)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        signal.alarm(SECONDS)  # nobody catches it: the system ends a decoder that does not come back
        answer = _answer(pixels, Path(json.loads(line)))
        signal.alarm(0)
        print(json.dumps(answer), flush=True)


def _answer(pixels: Any, path: Path) -> dict[str, Any]:
    try:
        return {"told": pixels.look(path)}
    except MemoryError:
        return {"unreadable": "decoding it takes too much memory"}
    except pixels.TooLargeError as error:
        return {"unreadable": str(error)}
    except Exception as error:  # noqa: BLE001 - decoders of hostile bytes raise anything
        return {"unreadable": f"it cannot be decoded: {type(error).__name__}: {error}"[:200].replace(str(path), "it")}


def _restrain() -> None:
    for limited, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with suppress(ValueError, OSError):  # not every system knows each of them
            resource.setrlimit(limited, (most, most))
    os.nice(19)
    with suppress(OSError):  # where memory runs out, this goes first
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


if __name__ == "__main__":
    main()
