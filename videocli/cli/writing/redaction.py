"""Takes tokens, secrets and ICE passwords out of any text before a person, a file or a ticket gets it."""

import re
import unicodedata

from videocli.urls import shown

PLACEHOLDER = "[redacted]"

_JWT = re.compile(r"\beyJ[\w-]{4,}(?:\.[\w-]*){0,2}")
_ICE_PASSWORD = re.compile(r"(?<=ice-pwd:)[A-Za-z0-9+/]+")
_URL = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]{0,63}://(?:[^\s/@]*@)?(?:[^\s"<>\\]*[^\s"<>\\'.,:;)])?""")
"""In a sentence or JSON: a quote or a stop at its end is not its own.

No scheme is longer; one of any length would be looked for from each letter to the end of the text.
"""
_NAMED = re.compile(
    r"""(?ix)
    ( (?: secret | password | passwd | pwd | credential | token ) \\?["']? \s* )
    (?: ( [:=] \s* \\" ) (?: (?! \\" ) . )*    # within a JSON string
      | ( [:=] \s*  " ) (?: [^"\\] | \\. )*
      | ( [:=] \s*  ' ) (?: [^'\\] | \\. )*
      | ( = ) [^\s"',;&})]+
    )
    """
)
_known_secrets: set[str] = set()


def hide(secret: str) -> None:
    """Take this secret out of every text from now on, wherever it stands."""
    if len(secret) >= 8:
        _known_secrets.add(secret)


def redact(text: str) -> str:
    """The text without what looks like a JWT, a secret, an ICE password or those parts of a URL that may be
    secret (`urls.shown`), or is a hidden secret.
    """
    for secret in _known_secrets:
        text = text.replace(secret, PLACEHOLDER)
    text = _JWT.sub(PLACEHOLDER, text)
    text = _ICE_PASSWORD.sub(PLACEHOLDER, text)
    text = _URL.sub(lambda found: shown(found[0], PLACEHOLDER), text)
    return _NAMED.sub(lambda found: f"{found[1]}{found[found.lastindex or 1]}{PLACEHOLDER}", text)


def one_line(text: str) -> str:
    """The text on one line, without control characters: what others sent cannot move the cursor.

    Nor can it turn the direction of writing (Unicode's category Cf).
    """
    return " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text).split())
