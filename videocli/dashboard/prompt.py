"""A question on the last line, and what has been typed in answer."""

import unicodedata
from dataclasses import dataclass, replace
from typing import Literal

MAX_TYPED = 1000
"""Characters; more are not taken."""

Asks = Literal["message", "participants", "events", "practice"]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked for, and the text so far."""

    asks: Asks
    text: str = ""


def typed(prompt: Prompt, key: str) -> Prompt:
    """The prompt after a character, backspace, Ctrl-U (all of it) or Ctrl-W (a word); others do nothing."""
    match key:
        case "backspace":
            return replace(prompt, text=prompt.text[:-1])
        case "ctrl+u":
            return replace(prompt, text="")
        case "ctrl+w":
            return replace(prompt, text=" ".join(prompt.text.rstrip().split(" ")[:-1]))
        case _ if len(key) == 1 and unicodedata.category(key)[0] != "C" and len(prompt.text) < MAX_TYPED:
            return replace(prompt, text=prompt.text + key)
        case _:
            return prompt
