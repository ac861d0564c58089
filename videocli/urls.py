"""URLs as anybody may see them: user info (RFC 3986, section 3.2.1) and query may hold secrets."""

import re

_PARTS = re.compile(r"([a-z][a-z0-9+.-]*://)?([^/?#]*)([^?#]*)(.*)", re.IGNORECASE | re.DOTALL)


def shown(url: str, mark: str = "") -> str:
    """The URL without user, password, query and fragment; a mark, if any, stands where something is left out.

    A password that is not quoted as it must be may look like a host and a path; then only the scheme is left.
    """
    found = _PARTS.fullmatch(url)
    scheme, authority, path, rest = found.groups("") if found is not None else ("", "", "", "")
    if "@" in path or (not path and "@" in rest):
        return f"{scheme}{mark or '…'}"
    _, at, host = authority.rpartition("@")
    before = f"{mark}@" if at and mark else ""
    return f"{scheme}{before}{host}{path}" + (f"{rest[0]}{mark}" if rest and mark else "")
