"""A picture on the screen: where it goes, who decodes it, who turns it into what a terminal understands."""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from videocli.media.bitmap import Bitmap, Box


class Place(NamedTuple):
    """A rectangle of the screen, in cells; the first row and the first column are 1."""

    row: int
    column: int
    columns: int
    rows: int

    def centred(self, columns: int, rows: int) -> "Place":
        """A smaller one in the middle of it."""
        return Place(
            self.row + (self.rows - rows) // 2, self.column + (self.columns - columns) // 2, columns, rows
        )

    def lines(self) -> range:
        """The rows of the screen it has a part of."""
        return range(self.row, self.row + self.rows)


class CellSize(NamedTuple):
    """The pixels of a character cell."""

    width: int
    height: int


class Painter(Protocol):
    """Puts pictures into one place, by one method. Equal painters put the same picture alike."""

    @property
    def place(self) -> Place:
        """Where they go."""
        ...

    @property
    def box(self) -> Box:
        """How large they may be."""
        ...

    def paint(self, bitmap: Bitmap) -> "Painting":
        """What can be done before it is known what the screen shows; on any thread."""
        ...

    def put(self, painting: "Painting", before: "Painting | None", erased: Set[int]) -> str:
        """What to send to make the screen show it.

        `before` is what the screen shows now, by the same painter, except in the rows `erased`; None: blanks.
        """
        ...

    def remove(self) -> str:
        """What takes it away besides writing over its cells."""
        ...


@dataclass(frozen=True, slots=True)
class Painting:
    """A picture made ready by its painter."""

    painter: Painter
    bitmap: Bitmap
    data: str = ""
    """As the terminal takes it, if it does not depend on what the screen shows."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should be decoded."""

    track_sid: str
    painter: Painter


class Viewer(Protocol):
    """Decodes the track that is watched, and nothing else."""

    def watch(self, wanted: Wanted | None, on_picture: Callable[[], None]) -> None:
        """Show this from now on, and call `on_picture` for each picture; None: nothing is watched.

        Told again what it shows already, it goes on as it is.
        """
        ...

    def latest(self) -> Painting | None:
        """The latest picture of what is watched; None: there is none yet."""
        ...


def go_to(row: int, column: int) -> str:
    """Moves the cursor (CUP, ECMA-48 section 8.3.21)."""
    return f"\x1b[{row};{column}H"


def blank(place: Place) -> str:
    """Erases the cells of a place and no others (ECH, ECMA-48 section 8.3.38)."""
    return "".join(f"{go_to(row, place.column)}\x1b[{place.columns}X" for row in place.lines())
