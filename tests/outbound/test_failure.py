"""What an error is told as: a closed set of failures, words for people, and no link; and what is our own fault."""

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from service.domain.attempt import Failed, Failure
from service.outbound.failure import failed_request, own_fault
from tests.support.starved import no_more_files

KEY = ConnectionKey("files.evolink.test", 443, True, True, None, None, None)
UNREACHABLE = Failed(Failure.UNREACHABLE, "files.evolink.test: the name cannot be looked up")


def _no_reason() -> ssl.SSLError:
    """As Python raises it when the other side goes away in silence."""
    error = ssl.SSLEOFError(8, "EOF occurred in violation of protocol")
    setattr(error, "reason", None)  # noqa: B010 - typed as text, which is not always true
    return error


def _not_valid() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("secret")
    error.verify_message = "self-signed certificate"
    return error


def _answered(status: int) -> aiohttp.ClientHttpProxyError:
    about = aiohttp.RequestInfo(URL("https://files.evolink.test/secret"), "CONNECT", CIMultiDictProxy(CIMultiDict()))
    return aiohttp.ClientHttpProxyError(about, (), status=status, message="secret")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (_answered(407), "the proxy answered 407"),
        (aiohttp.ClientProxyConnectionError(KEY, ConnectionRefusedError()), "the proxy cannot be reached"),
        (aiohttp.ClientConnectorDNSError(KEY, OSError()), "the name cannot be looked up"),
        (aiohttp.ClientConnectorCertificateError(KEY, _not_valid()), "TLS failed: self-signed certificate"),
        (
            aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("secret")),
            "TLS failed: certificate not valid",
        ),
        (aiohttp.ClientConnectorSSLError(KEY, _no_reason()), "TLS failed: handshake broken off"),
        (aiohttp.ConnectionTimeoutError("secret"), "no answer in time"),
        (aiohttp.SocketTimeoutError("secret"), "no answer in time"),
        (aiohttp.ClientConnectorError(KEY, ConnectionResetError()), "cannot connect: ConnectionResetError"),
        (aiohttp.ClientResponseError(_answered(0).request_info, ()), "the answer is not HTTP"),
        (aiohttp.ServerDisconnectedError("secret"), "the connection was lost"),
    ],
)
def test_an_error_is_told_in_words_that_hold_no_link(error: aiohttp.ClientError, words: str) -> None:
    assert failed_request(error, "files.evolink.test") == Failed(Failure.UNREACHABLE, f"files.evolink.test: {words}")


def test_a_body_that_breaks_off_is_truncated() -> None:
    failed = failed_request(aiohttp.ClientPayloadError("secret"), "files.evolink.test")
    assert failed == Failed(Failure.TRUNCATED, "files.evolink.test broke off inside the body")


def test_a_url_that_the_library_cannot_read_is_malformed_and_is_not_told() -> None:
    failed = failed_request(aiohttp.InvalidURL("https://user:secret@"), "files.evolink.test")
    assert failed == Failed(Failure.REFUSED_HOST, "the link is malformed")


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_what_this_process_lacks_is_found_behind_what_it_caused(number: int) -> None:
    lacking = OSError(number, "")
    outer = aiohttp.ClientConnectionError()
    outer.__cause__ = aiohttp.ClientConnectorError(KEY, lacking)
    outer.__cause__.__cause__ = lacking
    found = own_fault(outer, UNREACHABLE)
    assert found is not None
    assert found == own_fault(lacking, UNREACHABLE)
    assert found != own_fault(OSError(errno.ECONNREFUSED, ""), UNREACHABLE)


def test_that_a_host_is_away_is_not_our_fault() -> None:
    assert own_fault(aiohttp.ServerDisconnectedError(), UNREACHABLE) is None
    assert own_fault(OSError(errno.ECONNREFUSED, ""), UNREACHABLE) is None


def test_without_descriptors_only_what_cannot_be_reached_is_our_fault() -> None:
    error = aiohttp.ClientConnectionError()
    with no_more_files():
        unreachable = own_fault(error, UNREACHABLE)
        truncated = own_fault(error, Failed(Failure.TRUNCATED, "files.evolink.test broke off inside the body"))
    assert (unreachable, truncated) == ("Too many open files", None)
