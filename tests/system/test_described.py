"""The service against its description: schemathesis asks whatever that allows, and much that it does not."""

import asyncio
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import Begin, Start
from tests.system.support import fuzzed_formats
from tests.system.support.darkroom import Darkroom
from tests.system.support.settings import KEY, list_setting
from tests.system.support.stand_in import StandIn
from tests.system.support.submitting import through, wish

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
WITHIN = 240.0
UNENDING = f"dk_{'of-a-run-that-asks-for-everything-and-revokes'[:43]:-<43}"
"""A key of the settings, so that it cannot be revoked, of the form that noise from its address does not shut out."""

CONFIG = """
seed = 1
hooks = "{formats}"
tls-verify = "{authority}"
max-redirects = 0
continue-on-failure = true

[generation]
max-examples = 25

[auth.openapi.key]
bearer = "{key}"

[checks]
# What is there decides: conditions and ranges of other bytes, images that are deleted, callers that come too often.
positive_data_acceptance.expected-statuses = ["2xx", "304", "307", "403", "404", "409", "410", "412", "416", "429"]
# A body may be too large before it is wrong, and an image gone; 422 tells the provider of what is kept and unreadable.
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 415, 416, 422, 429]

[[operations]]
include-operation-id = "receive_callback"
parameters = {{ "path.source" = "evolink", "path.token" = "{callback}" }}

[[operations]]
include-operation-id = "open_link"
parameters = {{ "path.token" = "{link}" }}

[[operations]]
include-operation-id = "get_static"
parameters = {{ "path.name" = "docs.css" }}

[[operations]]
include-operation-id = ["get_task", "retry_task", "get_provider_task"]
parameters = {{ "path.id" = "{task}" }}

[[operations]]
include-operation-id = ["get_asset", "get_content", "get_thumbnail", "list_similar", "list_links", "sign_link"]
parameters = {{ "path.id" = "{task}.0" }}

# Rules between members, which a schema cannot say: `refused` with other filters, a span that is none, a filter that is
# empty, a key without a name that replaces none, a size and a resolution that do not go together, labels that make a
# callback URL too long, an export of tasks with filters of images. A provider that is asked too often answers 503.
[[operations]]
include-operation-id = [
  "list_callbacks", "get_stats", "replay_callbacks", "replay_events", "make_key", "submit", "mint_callback_url",
  "export",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "402", "403", "404", "409", "429", "503"]
"""


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_it_answers_as_it_is_described_whatever_is_asked(start: Start, stand_in: Begin, tmp_path: Path) -> None:
    provider = await stand_in()
    nobody = {"name": "nobody", "url": "https://127.0.0.1:9/", "secrets": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}
    keys = [{"name": name, "key": key, "scopes": ["admin"]} for name, key in (("tests", KEY), ("asks", UNENDING))]
    service = await start(
        asks=provider,
        API_KEYS=list_setting(*keys),
        NOTIFY__ENDPOINTS=list_setting(nobody),
        NOTIFY__TRUSTED_NETWORKS=list_setting("127.0.0.1/32"),
    )
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(**await _world(service, provider)), encoding="utf-8")
    command = [str(SCHEMATHESIS), "--config-file", str(config), "run", "--checks", "all", f"{service.url}/openapi.json"]
    run = await asyncio.to_thread(
        lambda: subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN, check=False)
    )
    assert run.returncode == 0, _shortened(run.stdout + run.stderr)
    assert "internal_error" not in service.log


async def _world(service: Darkroom, provider: StandIn) -> dict[str, str]:
    """An archived image, a callback URL and a link that work."""
    client = service.api.client
    submitted = await through(service, provider).submit_once(**wish())
    task = submitted.json()["id"]
    await service.api.settled(task)
    link = await client.post(f"/v1/assets/{task}.0/links")
    return {
        "formats": str(Path(fuzzed_formats.__file__)),
        "authority": service.settings["TLS__CA_FILE"],
        "key": UNENDING,
        "task": task,
        "callback": _last(await service.api.mint()),
        "link": _last(link.json()["url"]),
    }


def _last(url: str) -> str:
    """The last segment of a URL's path."""
    return urlsplit(url).path.rpartition("/")[2]


def _shortened(text: str) -> str:
    """What it found, without the long bodies in it."""
    return "\n".join(line[:500] for line in text.splitlines())
