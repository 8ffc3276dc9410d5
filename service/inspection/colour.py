"""How an image's samples are laid out, by its header: colour type, bits of a channel, alpha, frames. Pure."""

from dataclasses import dataclass, replace

from service.inspection.parts import ImageFile, Part

_PNG_TYPES = {0: "gray", 2: "rgb", 3: "palette", 4: "graya", 6: "rgba"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What parts have told so far; `type` is None until one does."""

    type: str | None = None
    bits: int | None = None
    alpha: bool = False
    frames: int = 1
    adobe: int | None = None  # what Adobe's segment says of a JPEG's transform


def with_part(known: Layout, image: ImageFile, part: Part) -> Layout:
    """What is known with one more part of the image."""
    match part.name:
        case "IHDR":
            header = image.read(part, 13)
            if len(header) < 13:
                return known
            kind = _PNG_TYPES.get(header[9])
            return replace(known, type=kind, bits=header[8], alpha=known.alpha or header[9] in (4, 6))
        case "tRNS":
            return replace(known, alpha=True)
        case "acTL":
            return replace(known, frames=max(1, int.from_bytes(image.read(part, 4))))
        case "APP14":
            data = image.read(part, 12)
            return replace(known, adobe=data[11]) if data[:5] == b"Adobe" and len(data) == 12 else known
        case "SOF":
            return _jpeg(known, image.read(part, 18))
        case "VP8X":
            flags = int.from_bytes(image.read(part, 1))
            return replace(known, alpha=known.alpha or bool(flags & 0x10))
        case "VP8 " | "VP8L" | "ANMF" | "ALPH":
            return _webp(known, image, part)
        case _:
            return known


def _jpeg(known: Layout, frame: bytes) -> Layout:
    """By the frame's components, and by Adobe's word where it is given; otherwise as JFIF has it."""
    if len(frame) < 6:
        return known
    components, names = frame[5], frame[6::3]
    kind = {1: "gray", 3: "ycbcr", 4: "cmyk"}.get(components)
    if components == 3 and (known.adobe == 0 or names[:3] == b"RGB"):
        kind = "rgb"
    if components == 4 and known.adobe == 2:
        kind = "ycck"
    return replace(known, type=kind, bits=frame[0])


def _webp(known: Layout, image: ImageFile, part: Part) -> Layout:
    match part.name:
        case "VP8 ":
            return replace(known, type="ycbcr", bits=8)
        case "VP8L":
            head = image.read(part, 5)
            alpha = known.alpha or (len(head) == 5 and bool(head[4] & 0x10))
            return replace(known, type="rgba" if alpha else "rgb", bits=8, alpha=alpha)
        case "ANMF":
            inner = image.read(part, 4, 16)  # behind the frame's place, size and duration
            kind = "rgb" if inner == b"VP8L" else "ycbcr"
            first = known.type is None
            return replace(known, type=kind, bits=8, frames=1 if first else known.frames + 1)
        case _:
            return replace(known, alpha=True)
