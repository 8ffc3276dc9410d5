"""Takes numbers and texts from the front of a fuzzer's bytes; what is not there is zero or empty."""


class Pieces:
    """Bytes that are used up from their beginning."""

    def __init__(self, data: bytes) -> None:
        self._left = data

    def number(self, most: int) -> int:
        """From 0 to `most`."""
        size = (most.bit_length() + 7) // 8
        taken, self._left = self._left[:size], self._left[size:]
        return int.from_bytes(taken) % (most + 1)

    def part(self) -> bytes:
        """Up to the next newline."""
        taken, _, self._left = self._left.partition(b"\n")
        return taken

    def text(self) -> str:
        """The next part, as UTF-8; what is none stays as lone surrogates, which JSON can say too."""
        return self.part().decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        taken, self._left = self._left, b""
        return taken
