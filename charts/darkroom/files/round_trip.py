"""What `helm test` runs: is the service ready, does its door refuse what is forged, does an image come all the way?

It runs in the service's own image, from a ConfigMap, and is told by its environment where everything is:

RECEIVER_URL, API_URL  the two Services (one and the same in the shape single)
API_KEY, API_KEY_FILE, API_KEYS  a key of scope admin: as text, in a file, or the first one in the setting's JSON
PROVIDER_URL, PROVIDER_KEY  the stand-in for the provider; without them nothing is submitted
CA_FILE  certificates to trust besides the system's; SERVER_NAME the name that the service's own certificate has
WITHIN_SECONDS  for all of it

It leaves a revoked callback URL behind, and a deleted image where there is a stand-in. When something is wrong it ends
with exit code 1 and a line that says what.
"""

import hashlib
import json
import os
import ssl
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

PAUSE = 0.5
FORGED = "/callbacks/evolink/forged-by-helm-test"
TASK = {"model": "gpt-image-2", "prompt": "a lighthouse at dusk, for helm test", "size": "1024x640"}


class Wrong(Exception):  # noqa: N818 - a name is enough
    """What is wrong, for people."""


class Services:
    """The service, and the stand-in where there is one, until a deadline."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._receiver = environment["RECEIVER_URL"].rstrip("/")
        self._api = environment["API_URL"].rstrip("/")
        self._provider = environment.get("PROVIDER_URL", "").rstrip("/")
        self._provider_key = environment.get("PROVIDER_KEY", "")
        self._environment = environment
        self._key = ""
        self._deadline = time.monotonic() + float(environment.get("WITHIN_SECONDS", "180"))
        name = environment.get("SERVER_NAME")
        self._extensions = {"sni_hostname": name} if name else {}
        tls = ssl.create_default_context()
        if environment.get("CA_FILE"):
            tls.load_verify_locations(cafile=environment["CA_FILE"])
        self._client = httpx.Client(verify=tls, trust_env=False, timeout=10, follow_redirects=False)

    def run(self) -> None:
        """Every step, one line each; raises Wrong."""
        for name, url in {"receiver": self._receiver, "api": self._api}.items():
            self._wait_until_ready(name, url)
        self._knock_with_a_forged_token()
        self._key = api_key(self._environment)  # only now: the service makes one at its first start
        if not self._key:
            say("no API key is to be had here: set tests.existingSecret to try the rest, too")
            return
        minted = self._ask("POST", "/v1/callback-urls", 201, json={"ref": "helm-test", "expires_in": 3600}).json()
        say("a callback URL is minted")
        try:
            if self._provider:
                self._round_trip(minted["callback_url"])
            else:
                say("there is no stand-in for the provider (standIn.enabled), so no image is asked for")
        finally:
            self._ask("DELETE", f"/v1/callback-urls/{minted['id']}", 204)
            say("and revoked")

    def _wait_until_ready(self, name: str, url: str) -> None:
        problems = "it does not answer"
        while True:
            try:
                answer = self._send("GET", f"{url}/readyz")
            except httpx.HTTPError as error:
                problems = f"{url} does not answer: {str(error) or type(error).__name__}"
            else:
                if answer.status_code == 200:
                    say(f"{name}: ready")
                    return
                problems = answer.text
            self._pause(f"{name}: not ready: {problems}")

    def _knock_with_a_forged_token(self) -> None:
        answer = self._send("POST", f"{self._receiver}{FORGED}", json={"id": "task-forged", "status": "completed"})
        if answer.status_code != 404:
            raise Wrong(f"a forged callback was answered {answer.status_code}, not 404: {answer.text}")
        say("a forged callback is refused")

    def _round_trip(self, callback_url: str) -> None:
        """Submit, wait for the image, compare its bytes, delete it; the callback goes to the Service itself."""
        task = {**TASK, "callback_url": self._receiver + urlsplit(callback_url).path}
        answer = self._send("POST", f"{self._provider}/v1/images/generations", key=self._provider_key, json=task)
        if answer.status_code != 200:
            raise Wrong(f"the stand-in does not take the task: {answer.status_code} {answer.text}")
        task_id = answer.json()["id"]
        say(f"task {task_id} is submitted")
        asset = self._archived(task_id)
        say(f"its image is archived: {asset['bytes']} bytes")
        try:
            self._compare(asset)
        finally:
            self._ask("DELETE", f"/v1/assets/{asset['id']}", 204)
        self._ask("GET", f"/v1/assets/{asset['id']}/content", 410)
        say("and deleted")

    def _archived(self, task_id: str) -> dict[str, Any]:
        while True:
            task = self._ask("GET", f"/v1/tasks/{task_id}", 200, 404)
            assets: list[dict[str, Any]] = task.json().get("assets", [])
            if assets and assets[0]["status"] == "archived":
                return assets[0]
            seen = "no callback has come" if task.status_code == 404 else task.text
            self._pause(f"the image of {task_id} is not archived: {seen}")

    def _compare(self, asset: Mapping[str, Any]) -> None:
        answer = self._ask("GET", f"/v1/assets/{asset['id']}/content", 200, 307)
        if answer.status_code == 307:
            say("its bytes come from the bucket itself (storage.redirect), they are not looked at here")
            return
        digest = hashlib.sha256(answer.content).hexdigest()
        if not asset["sha256"] == digest == answer.headers["etag"].strip('"'):
            raise Wrong(f"the bytes are not what was archived: {digest}, ETag {answer.headers['etag']}")
        say(f"its bytes are what the ETag says: {digest}")

    def _ask(self, method: str, path: str, *expected: int, json: object = None) -> httpx.Response:
        """An answer of the API; raises Wrong for a status that is not expected."""
        answer = self._send(method, f"{self._api}{path}", key=self._key, json=json)
        if answer.status_code not in expected:
            raise Wrong(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return answer

    def _send(self, method: str, url: str, *, key: str = "", json: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        ours = not (self._provider and url.startswith(self._provider))
        extensions = self._extensions if ours else {}
        return self._client.request(method, url, headers=headers, json=json, extensions=extensions)

    def _pause(self, problem: str) -> None:
        if time.monotonic() > self._deadline:
            raise Wrong(problem)
        time.sleep(PAUSE)


def api_key(environment: Mapping[str, str]) -> str:
    """A key that may do everything; empty where there is none, as when only hashes of keys are known."""
    if environment.get("API_KEY"):
        return environment["API_KEY"].strip()
    if path := environment.get("API_KEY_FILE"):
        try:
            with open(path, encoding="ascii") as file:
                return file.read().strip()
        except OSError as error:
            raise Wrong(f"the API key cannot be read: {error}") from None
    try:
        keys = json.loads(environment.get("API_KEYS") or "[]")
    except ValueError:
        raise Wrong("settings.apiKeys is not JSON") from None
    return next((str(one["key"]) for one in keys if one.get("key") and "admin" in one["scopes"]), "")


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    try:
        Services(os.environ).run()
    except Wrong as wrong:
        print(f"WRONG: {wrong}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"WRONG: {type(error).__name__}: {error}", file=sys.stderr)
    else:
        say("all is well")
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
