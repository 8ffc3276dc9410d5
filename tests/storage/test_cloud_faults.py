"""A bucket that is missing, refuses us, hangs or goes away: told with what to do, without a secret, and good again."""

import asyncio
import json
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from service.errors import StorageUnavailable
from service.storage.bucket import Patience, WrongOptions
from service.storage.cloud import CloudStore
from tests.storage.conformance import KEY, listed, stored, whole
from tests.storage.test_cloud import cloud_at
from tests.support.listening import stop_listening
from tests.support.moto_bucket import S3Server, s3_server

BRIEF = Patience(request=2.0, retries=0.5, call=5.0)
SECRETS = ("the-secret-of-tests", "AKIATHEKEYOFTESTS", "Signature=", "StringToSign", "5ecret")
REFUSAL = (
    "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIATHEKEYOFTESTS</AWSAccessKeyId>"
    "<StringToSign>AWS4-HMAC-SHA256 5ecret</StringToSign></Error>"
)


def verbs(store: CloudStore) -> dict[str, Awaitable[object]]:
    """A call of each verb that needs the bucket."""
    return {
        "put": stored(store, KEY),
        "replace": store.replace(KEY, b"{}"),
        "size": store.size(KEY),
        "read": store.read(KEY),
        "range": store.read(KEY, 5, 10),
        "delete": store.delete(KEY),
        "list": listed(store),
        "check": store.check(),
        "prove": store.prove(),
    }


async def troubles(store: CloudStore) -> set[str]:
    """What all verbs say; none may succeed, and none may tell a secret, not even in its traceback."""
    calls = verbs(store)
    results = dict(zip(calls, await asyncio.gather(*calls.values(), return_exceptions=True), strict=True))
    assert {verb: type(result) for verb, result in results.items()} == dict.fromkeys(calls, StorageUnavailable)
    for result in results.values():
        assert isinstance(result, StorageUnavailable)
        text = "".join(traceback.format_exception(result))
        assert [secret for secret in SECRETS if secret in text] == []
    return {str(result) for result in results.values()}


@asynccontextmanager
async def stand_in(answer: bytes | None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Something that listens and answers every request with this, or never."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if answer is None:
                    await reader.read()
                writer.write(answer or b"")
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await stop_listening(server)


def http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


async def test_a_missing_bucket_is_told_by_every_verb_and_nothing_is_absent_in_it(
    moto: S3Server, tmp_path: Path
) -> None:
    store = cloud_at("s3://missing/archive", moto.options, tmp_path, opened=False)
    told = await troubles(store)
    reason = "there is no such bucket: make it, or correct DARKROOM_STORAGE__URL"
    assert told == {f"the bucket s3://missing/archive cannot be used: {reason}"}
    with pytest.raises(StorageUnavailable, match="no such bucket"):
        store.open()
    store.open(expected=True)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("403 Forbidden", REFUSAL, "it refuses us"),
        ("401 Unauthorized", "", "it refuses us"),
        ("503 Slow Down", "<Error><Code>SlowDown</Code></Error>", "ill or overloaded"),
        ("500 Internal Server Error", "", "ill or overloaded"),
        ("301 Moved Permanently", "<Error><Code>PermanentRedirect</Code></Error>", "set region and endpoint"),
        ("418 Teapot", "<Error><Code>5ecret words</Code></Error>", "an error"),
    ],
)
async def test_what_the_store_refuses_is_told_with_what_to_do_and_without_its_words(
    moto: S3Server, tmp_path: Path, status: str, body: str, words: str
) -> None:
    async with stand_in(http(status, body)) as url:
        store = cloud_at("s3://pictures/x", {**moto.options, "endpoint": url}, tmp_path, patience=BRIEF, opened=False)
        store.open(expected=True)
        assert [told for told in await troubles(store) if words not in told] == []


async def test_a_store_that_hangs_is_given_up_in_bounded_time_and_the_staged_file_is_kept(
    moto: S3Server, tmp_path: Path
) -> None:
    async with stand_in(None) as url:
        store = cloud_at("s3://pictures/x", {**moto.options, "endpoint": url}, tmp_path, patience=BRIEF, opened=False)
        store.open(expected=True)
        calls = [*verbs(store).values(), store.put("large.png", _large(store))]
        begun = time.monotonic()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - begun < 3 * BRIEF.call
        assert {type(one) for one in results} == {StorageUnavailable}
        assert all("did not answer in time" in str(one) for one in results)
        assert (store.staging / "large").exists()


def _large(store: CloudStore) -> Path:
    path = store.staging / "large"
    with path.open("wb") as file:
        file.truncate(20 * 2**20)
    return path


async def test_a_store_that_cannot_be_reached_comes_back_by_itself(tmp_path: Path) -> None:
    with s3_server() as first:
        port = int(first.url.rpartition(":")[2])
        store = cloud_at("s3://pictures/x", first.options, tmp_path, patience=BRIEF)
        await stored(store, KEY)
    with pytest.raises(StorageUnavailable):
        await store.size(KEY)  # from here on the write before says nothing
    assert [told for told in await troubles(store) if "cannot be reached" not in told] == []
    with s3_server(port):
        await store.prove()
        await stored(store, KEY, b"again")
        assert await whole(store, KEY) == b"again"


async def test_a_proof_is_not_repeated_while_writes_succeed(tmp_path: Path) -> None:
    with s3_server() as server:
        store = cloud_at("s3://pictures/x", server.options, tmp_path, patience=BRIEF)
    await store.prove()  # it was proven a moment ago
    with pytest.raises(StorageUnavailable):
        await store.size(KEY)
    with pytest.raises(StorageUnavailable):
        await store.prove()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"endpoint": "http://127.0.0.1:1", "allow_http": "false"}, '"allow_http": "true"'),
        ({"endpoint": "https://nowhere.invalid"}, "its host is not known"),
        ({"endpoint": "http://127.0.0.1:1"}, "it cannot be reached"),
    ],
)
async def test_an_endpoint_that_cannot_work_is_told(
    moto: S3Server, tmp_path: Path, options: dict[str, str], words: str
) -> None:
    store = cloud_at("s3://pictures/x", {**moto.options, **options}, tmp_path, patience=BRIEF, opened=False)
    with pytest.raises(StorageUnavailable, match=words):
        store.open()


@pytest.mark.parametrize(("trusted", "words"), [(True, "it refuses us"), (False, "DARKROOM_TLS__CA_FILE")])
async def test_a_private_authority_is_trusted_when_it_is_given(
    moto: S3Server, tmp_path: Path, trusted: bool, words: str
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    ca = authority.cert_pem.bytes() if trusted else None
    async with stand_in(http("403 Forbidden", REFUSAL), tls=tls) as url:
        options = {**moto.options, "endpoint": url, "allow_http": "false"}
        store = cloud_at("s3://pictures/x", options, tmp_path, patience=BRIEF, opened=False, ca=ca)
        with pytest.raises(StorageUnavailable, match=words):
            await store.check()


async def test_options_of_the_http_client_hold_for_every_kind_of_store(tmp_path: Path) -> None:
    async with stand_in(http("403 Forbidden", REFUSAL)) as url:
        account = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": ""}
        key = json.dumps({**account, "private_key_id": ""})
        for place, options in (
            ("gs://pictures/x", {"service_account_key": key}),
            ("az://pictures/x", {"endpoint": url, "account_name": "me", "account_key": "NWVjcmV0"}),
            ("s3://pictures/x", {"endpoint": url, "access_key_id": "me", "secret_access_key": "5ecret"}),
        ):
            for allowed, words in (("true", "it refuses us"), ("false", "its endpoint is http://")):
                given = {**options, "allow_http": allowed}
                store = cloud_at(place, given, tmp_path, patience=BRIEF, opened=False)
                with pytest.raises(StorageUnavailable, match=words):
                    await store.check()


async def test_without_credentials_it_says_where_to_give_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    options = {"endpoint": "http://127.0.0.1:1", "allow_http": "true", "metadata_endpoint": "http://127.0.0.1:1"}
    store = cloud_at("s3://pictures/x", options, tmp_path, patience=BRIEF, opened=False)
    with pytest.raises(StorageUnavailable, match="no credentials were found: give them in DARKROOM_STORAGE__OPTIONS"):
        await store.check()


@pytest.mark.parametrize(
    ("place", "options", "words"),
    [
        ("s3://bkt/x", {"acces_key_id": "5ecret"}, "acces_key_id is no option of s3://"),
        ("s3://bkt/x", {"5ecretKEY": "x"}, "one of the names is no option of s3://"),
        ("gs://bkt/x", {"secret_access_key": "5ecret"}, "secret_access_key is no option of gs://"),
        ("s3://bkt/x", {"allow_http": "5ecret"}, "does not take these values"),
        ("gs://bkt/x", {"service_account_key": "5ecret"}, "gs:// does not take these values"),
        ("az://ctr/x", {"account_name": "me", "account_key": "5ecret"}, "az:// does not take these values"),
    ],
)
def test_options_that_the_store_does_not_take_are_told_without_their_values(
    tmp_path: Path, place: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(WrongOptions, match=words) as raised:
        cloud_at(place, options, tmp_path, opened=False)
    assert "5ecret" not in "".join(traceback.format_exception(raised.value))
