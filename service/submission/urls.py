"""Which URLs may stand in a request: of images, of a mask, and to call back. Pure: names are not looked up.

No message repeats more of a URL than its host: the rest may be a secret.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from service.domain.attempt import Failed
from service.domain.host import is_internal_name
from service.intake.callback_token import LONGEST_URL
from service.outbound.address_policy import HTTPS_PORT, AddressPolicy, Forbidden, Network
from service.outbound.target import MAX_LINK, Target, read_link

IMAGE_TYPES = frozenset({"jpeg", "jpg", "png", "webp"})
MASK_TYPES = frozenset({"png"})
OTHER_TYPES = (
    {"avif", "bmp", "dng", "eps", "gif", "heic", "heif", "ico", "jp2", "jxl", "psd", "svg", "svgz", "tif", "tiff"}
    | {"avi", "m4v", "mkv", "mov", "mp3", "mp4", "wav", "webm"}
    | {"csv", "doc", "docx", "json", "pdf", "ppt", "pptx", "txt", "xls", "xlsx", "xml"}
    | {"gz", "rar", "tar", "zip"}
)
"""What surely names another type of file; any other ending may be no file type at all."""


def image_url_problem(url: object, types: frozenset[str]) -> str | None:
    """What is wrong with the URL of an image of one of these types, or None; begins with a verb."""
    target = _read(url, ("https", "http"), MAX_LINK)
    if isinstance(target, str):
        return target
    _, dot, ending = unquote(target.path).rpartition("/")[2].lower().rpartition(".")
    if dot and ending in (IMAGE_TYPES | OTHER_TYPES) - types:
        return f"must be {' '.join(f'.{one}' for one in sorted(types))}, not .{ending}"
    return None


@dataclass(frozen=True, slots=True)
class CallbackRule:
    """Which callback URLs are taken; as it stands, those that the provider takes.

    `internal` takes any host. With `trusted_networks` their addresses are taken, and names that look internal, since
    those may lead there: where they do lead is checked on connecting. `only_port` is for who calls there himself: any
    other is refused, but of what is trusted. Then a name is taken with any port, as it may lead there; where it does
    not, connecting refuses it.
    """

    schemes: tuple[str, ...] = ("https",)
    internal: bool = False
    trusted_networks: tuple[Network, ...] = ()
    only_port: int | None = None

    def problem(self, url: object) -> str | None:
        """What is wrong with a callback URL, or None; begins with a verb."""
        target = _read(url, self.schemes, LONGEST_URL)
        if isinstance(target, str):
            return target
        return None if self.internal else self._internal(target)

    def _internal(self, target: Target) -> str | None:
        if target.address is not None:
            port = HTTPS_PORT if self.only_port is None else target.port  # the provider does not ask for one
            verdict = AddressPolicy(self.trusted_networks).verdict(target.address, port)
            return f"must lead to a public address: {verdict.reason}" if isinstance(verdict, Forbidden) else None
        if not self.trusted_networks and is_internal_name(target.host):
            return f"must lead to a public address: {target.host} is an internal name"
        if not self.trusted_networks and self.only_port not in (None, target.port):
            return f"must be on port {self.only_port}, not {target.port}: this service calls no other"
        return None


def _read(url: object, schemes: tuple[str, ...], longest: int) -> Target | str:
    """The URL taken apart, or what is wrong with it."""
    if not isinstance(url, str):
        return "must be a string"
    if len(url) > longest:
        return f"must not exceed {longest} characters; these are {len(url)}"
    scheme, colon, rest = url.partition("://")
    if not colon or scheme.lower() not in schemes:
        return f"must be a URL that begins with {' or '.join(f'{one}://' for one in schemes)}"
    if url.split() != [url]:
        return "must be a URL without spaces"
    target = read_link(f"https://{rest}", allowed_hosts=("*",))  # http differs in nothing that is judged here
    return f"must be a usable URL: {target.detail}" if isinstance(target, Failed) else target
