"""File names out of names from the network. Pure."""

import unicodedata

_LONGEST = 60
"""Bytes of UTF-8 for each part."""


class FileNames:
    """Gives out names that are safe on every file system, and none twice."""

    def __init__(self, taken: tuple[str, ...] = ()) -> None:
        """`taken` are the names that are there already."""
        self._taken = {name.casefold() for name in taken}

    def new(self, *parts: str, suffix: str) -> str:
        """`alice-camera-1.mkv`; the number is the first that is free, on systems that ignore case too."""
        stem = "-".join(filter(None, map(_safe, parts))) or "unnamed"
        number = 1
        while (name := f"{stem}-{number}{suffix}").casefold() in self._taken:
            number += 1
        self._taken.add(name.casefold())
        return name


def _safe(text: str) -> str:
    """Letters, digits, `_`, `.` and `-`; no leading dot or dash, which would hide it or make it an option."""
    plain = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    kept = "".join(letter if letter.isalnum() or letter in "_.-" else "_" for letter in plain)
    return kept.strip("-.").encode()[:_LONGEST].decode("utf-8", "ignore")
