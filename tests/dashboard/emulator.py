"""As much of a terminal as the tests of pictures need: cells with colours, sixels, and kitty's images."""

import base64
import re
import zlib
from dataclasses import dataclass, field

Colour = tuple[int, ...] | None
"""Red, green and blue; or (number of a colour); None: the terminal's own."""

_TOKEN = re.compile(
    r"\x1b\[(?P<csi>[?\d;]*)(?P<final>[A-Za-z])|\x1b_G(?P<kitty>[^\x1b]*)\x1b\\"
    r"|\x1bP(?P<sixel>[^\x1b]*)\x1b\\|\x1b\\|\x18|(?P<text>[^\x1b\x18])"
)


@dataclass(frozen=True, slots=True)
class Cell:
    text: str = " "
    foreground: Colour = None
    background: Colour = None

    def pixels(self) -> tuple[Colour, Colour]:
        """Above and below, of a half block."""
        assert self.text in " ▀"
        return (self.foreground if self.text == "▀" else self.background), self.background


@dataclass(slots=True)
class Image:
    """An image of kitty's protocol where it is."""

    row: int
    column: int
    keys: dict[str, str]
    pixels: bytes = b""


@dataclass(slots=True)
class Emulator:
    columns: int
    rows: int
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    sixels: list[tuple[int, int, str]] = field(default_factory=list)
    row: int = 1
    column: int = 1
    chunks: list[str] = field(default_factory=list)
    """Of base64, of the image that is coming in."""
    coming: dict[str, str] = field(default_factory=dict)
    _foreground: Colour = None
    _background: Colour = None

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            assert token is not None, f"not understood: {text[position : position + 40]!r}"
            position = token.end()
            if token["final"]:
                self._csi(token["csi"], token["final"])
            elif token["kitty"] is not None:
                self._kitty(token["kitty"])
            elif token["sixel"] is not None:
                self.sixels.append((self.row, self.column, token["sixel"]))
            elif token["text"]:
                assert self.column <= self.columns, "beyond the edge"
                assert self.row <= self.rows, "below the screen"
                self._set(self.column, Cell(token["text"], self._foreground, self._background))
                self.column += 1

    def line(self, row: int) -> str:
        return "".join(self.at(row, column).text for column in range(1, self.columns + 1))

    def at(self, row: int, column: int) -> Cell:
        return self.cells.get((row, column), Cell())

    def _set(self, column: int, cell: Cell) -> None:
        self.cells[self.row, column] = cell

    def _csi(self, parameters: str, final: str) -> None:
        numbers = [int(number or 0) for number in parameters.removeprefix("?").split(";")]
        match final:
            case "H":
                self.row, self.column = numbers
                assert 1 <= self.row <= self.rows
                assert 1 <= self.column <= self.columns
            case "X":
                assert self.column + numbers[0] - 1 <= self.columns
                for column in range(self.column, self.column + numbers[0]):
                    self._set(column, Cell())
            case "K":
                for column in range(1, self.columns + 1):
                    self._set(column, Cell())
            case "J":
                self.cells.clear()
            case "m":
                self._select(numbers)
            case "h" | "l":
                assert parameters.startswith("?")
            case "c" | "t":
                pass  # questions
            case _:
                raise AssertionError(f"unknown: {parameters}{final}")

    def _select(self, numbers: list[int]) -> None:
        while numbers:
            number, *numbers = numbers
            if number == 0:
                self._foreground = self._background = None
            elif number in (38, 48):
                count = 3 if numbers[0] == 2 else 1
                colour, numbers = tuple(numbers[1 : 1 + count]), numbers[1 + count :]
                if number == 38:
                    self._foreground = colour
                else:
                    self._background = colour
            elif 30 <= number < 38 or 90 <= number < 98:
                self._foreground = (number - 30 if number < 38 else number - 82,)
            elif 40 <= number < 48 or 100 <= number < 108:
                self._background = (number - 40 if number < 48 else number - 92,)

    def _kitty(self, command: str) -> None:
        keys_text, _, payload = command.partition(";")
        keys = dict(pair.split("=") for pair in keys_text.split(","))
        if keys.get("a") == "q":
            return
        assert keys["q"] == "2", "it would answer"
        if keys.get("a") == "d":
            self.images.pop(keys["i"], None)
            return
        if not self.chunks:
            self.coming = keys
        assert len(payload) <= 4096
        self.chunks.append(payload)
        if keys["m"] == "1":
            assert len(payload) % 4 == 0
            return
        data = base64.b64decode("".join(self.chunks))
        self.chunks = []
        keys = self.coming
        pixels = zlib.decompress(data) if keys.get("o") == "z" else data
        self.images[keys["i"]] = Image(self.row, self.column, keys, pixels)


def sixel_pixels(sequence: str) -> tuple[int, int, list[tuple[int, ...]]]:
    """Width, height, and the colours (in hundredths) of the pixels of a device control string."""
    introduction = re.match(r'[\d;]*q"1;1;(\d+);(\d+)', sequence)
    assert introduction is not None
    width, height = int(introduction[1]), int(introduction[2])
    palette: dict[int, tuple[int, ...]] = {}
    pixels: dict[tuple[int, int], tuple[int, ...]] = {}
    x, top, colour = 0, 0, -1
    for token in re.finditer(
        r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", sequence[introduction.end() :]
    ):
        number, red, green, blue, chosen, count, repeated, single, back, down = token.groups()
        if number:
            palette[int(number)] = (int(red), int(green), int(blue))
        elif chosen:
            colour = int(chosen)
        elif back:
            x = 0
        elif down:
            x, top = 0, top + 6
        else:
            bits = ord(repeated or single) - 0x3F
            end = x + int(count or 1)
            for place in ((column, top + line) for column in range(x, end) for line in range(6)):
                if bits >> (place[1] - top) & 1:
                    assert place not in pixels, "painted twice"
                    pixels[place] = palette[colour]
            x = end
    assert set(pixels) == {(x, y) for x in range(width) for y in range(height)}
    return width, height, [pixels[x, y] for y in range(height) for x in range(width)]
