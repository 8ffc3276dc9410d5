"""What a bucket's errors mean, in words that say what to do. Pure.

The client's own words are never repeated: they may hold a signed query, a key, or what was to be signed.
"""

import re

from obstore.exceptions import InvalidPathError, PermissionDeniedError, UnauthenticatedError

_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,40})</Code>")
_STATUS = re.compile(r"status code: (\d{3})\b")
_OPTIONS = "DARKROOM_STORAGE__OPTIONS"

NO_BUCKET = "there is no such bucket: make it, or correct DARKROOM_STORAGE__URL"
NO_ANSWER = "it did not answer in time; work goes on when it does"
_STRANGER = "it holds a name that cannot be ours (an empty part, or dots): give the archive a prefix of its own"
_REFUSED = f"look at the credentials in {_OPTIONS}, and at their right to read, write, delete and list"

_MEANINGS: tuple[tuple[str, str], ...] = (
    # the first that is found in the client's words
    (r"<Code>(NoSuchBucket|ContainerNotFound|FilesystemNotFound)</Code>|bucket does not exist", NO_BUCKET),
    (
        r"/latest/api/token|/latest/meta-data|metadata\.google|computeMetadata|/metadata/identity",
        f"no credentials were found: give them in {_OPTIONS} or the environment, or run where the cloud gives them",
    ),
    (
        r"without LOCATION|PermanentRedirect|AuthorizationHeaderMalformed",
        f"it is in another region, or at another endpoint: set region and endpoint in {_OPTIONS}",
    ),
    (r"BadScheme", f'its endpoint is http://, which is taken only with "allow_http": "true" in {_OPTIONS}'),
    (r"dns error", f"its host is not known: look at the endpoint in {_OPTIONS}"),
    (r"(?i)certificate", "its certificate is not trusted: add its authority with DARKROOM_TLS__CA_FILE"),
    (r"TimedOut|kind: Timeout|timed out", NO_ANSWER),
    (r"(?i)connect error|error sending request|kind: Connect", "it cannot be reached; work goes on when it can"),
)


def lies_outside(error: Exception) -> bool:
    """Whether a range was asked for of which the object has nothing; so there is an object."""
    return re.search(r"status code: 416\b|Invalid range|StartTooLarge", str(error)) is not None


def meaning(error: Exception) -> str:
    """What went wrong and what to do, in our words, with the store's error code if it gave one."""
    text = str(error)
    code, status = _CODE.search(text), _STATUS.search(text)
    found, number = code or status, int(status[1]) if status else 0
    told = f" ({found[1]})" if found else ""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, FileNotFoundError):
        return NO_BUCKET  # where absence is no answer, only the bucket can be what is missing
    if isinstance(error, InvalidPathError):
        return _STRANGER
    known = next((words for pattern, words in _MEANINGS if re.search(pattern, text)), None)
    if known is not None:
        return known
    if number in (401, 403) or isinstance(error, (PermissionDeniedError, UnauthenticatedError)):
        return f"it refuses us{told}: {_REFUSED}"
    if number >= 500 or number == 429:
        return f"it is ill or overloaded{told}; work goes on when it is well"
    return f"it answered with an error{told or f' ({type(error).__name__})'}"
