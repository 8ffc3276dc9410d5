"""What went wrong with a request, as the closed set of failures has it. Details name the host and never the link."""

import errno
import os

import aiohttp

from service.domain.attempt import Failed, Failure
from service.outbound.connector import AddressRefusedError
from service.outbound.framing import FramingError

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def failed_request(error: aiohttp.ClientError | OSError, host: str) -> Failed:
    """Name an error of aiohttp; its own messages are not used, for some of them hold the full URL."""
    refused = _refusal_within(error)
    if refused is not None:
        return Failed(Failure.REFUSED_ADDRESS, f"{host}: {refused.reason}")
    match error:
        case FramingError():
            return Failed(Failure.UNREACHABLE, f"{host}: it sends far more framing than body")
        case aiohttp.ClientPayloadError():
            return Failed(Failure.TRUNCATED, f"{host} broke off inside the body")
        case aiohttp.InvalidURL():
            return Failed(Failure.REFUSED_HOST, "the link is malformed")
        case _:
            return Failed(Failure.UNREACHABLE, f"{host}: {_cause(error)}")


def _cause(error: aiohttp.ClientError | OSError) -> str:
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status}"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy cannot be reached"
        case aiohttp.ClientConnectorDNSError():
            return "the name cannot be looked up"
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "certificate not valid"
            return f"TLS failed: {reason}"
        case aiohttp.ClientConnectorSSLError():
            return f"TLS failed: {error.os_error.reason or 'handshake broken off'}"
        case TimeoutError():
            return "no answer in time"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {error.strerror or type(error.os_error).__name__}"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case _:
            return "the connection was lost"


def _refusal_within(error: BaseException | None) -> AddressRefusedError | None:
    """The refusal that caused an error; aiohttp wraps it, and its text says nothing of the kind."""
    while error is not None and not isinstance(error, AddressRefusedError):
        error = error.__cause__
    return error


def own_fault(error: BaseException | None, failed: Failed) -> str | None:
    """What this process lacks, where that is why no connection was made: then it says nothing of the host.

    The resolver says only that it knows no answer, so whether a file can be opened is tried too.
    """
    while error is not None:
        if (number := getattr(error, "errno", None)) in _OURS:
            return os.strerror(number)
        error = error.__cause__
    if failed.failure is not Failure.UNREACHABLE:
        return None
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as own:
        return own.strerror
    return None
