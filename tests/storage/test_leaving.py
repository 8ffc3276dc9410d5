"""A process that has requests to a bucket under way ends with its exit code, and by no signal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.buckets import BucketServer

LEAVES = """
import asyncio, json, pathlib, sys, time
import obstore
from service.cli.ending import leave
from tests.storage.test_cloud import cloud_at

class Late:
    def __del__(self):
        print("taken down")

async def main():
    store = cloud_at(sys.argv[1], json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))
    for number in range(20):
        asyncio.ensure_future(obstore.put_async(store._brief, f"k{number}", b"x"))
    await asyncio.sleep(0.01)

sys.modules["late"] = Late()
asyncio.run(main())
print("said")
leave(int(sys.argv[4]))
"""


@pytest.mark.parametrize("code", [0, 3])
def test_it_leaves_with_its_exit_code_and_says_all_it_had_to_say(s3: BucketServer, tmp_path: Path, code: int) -> None:
    script = [sys.executable, "-c", LEAVES, s3.fresh_place(), json.dumps(s3.options), str(tmp_path / "s"), str(code)]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (code, "said\n"), done.stderr
