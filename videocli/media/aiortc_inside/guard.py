"""Refuses versions of aiortc and aioice whose private parts have not been tried with this package."""

import re
from importlib.metadata import version

TESTED = {"aiortc": (1, 16), "aioice": (0, 13)}
"""The release series that these modules were written for; each test run checks the names they use."""


def check_versions() -> None:
    """Raise `ImportError`, with what to install, unless the tested releases are installed."""
    for package, series in TESTED.items():
        installed = version(package)
        found = tuple(int(number) for number in re.findall(r"\d+", installed)[:2])
        if found != series:
            wanted = ".".join(map(str, series))
            raise ImportError(
                f"videocli needs {package} {wanted}.x, because it replaces private parts of it; "
                f"{installed} is installed. Run: pip install '{package}=={wanted}.*'"
            )
