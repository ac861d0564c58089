"""Takes the values of options as they are where that is right.

Typer would import pydantic to find out, which takes longer than everything else at start-up together. Where
it is asked and refuses a number, the words are ours.
"""

from enum import Enum
from typing import Any, get_args, get_origin

import typer

_MAX_SHOWN = 100
"""Characters of a value that is none."""
_KINDS = {"int": "whole number", "float": "number"}


class QuickValues:
    """In the place of what turns a text into an option's type; asks that for all but the simplest."""

    def __init__(self, param: Any) -> None:
        self._thorough = param.get_runtime_param
        self._descriptor = param.type_descriptor

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value in its type. Raises Typer's complaint when there is none."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if self._descriptor.parameter_info.parser is None and _is_right(value, self._descriptor.annotation):
            return list(value) if isinstance(value, tuple) else value
        try:
            return self._thorough().coerce(value, param, ctx)
        except typer.BadParameter as fault:
            fault.message = _in_our_words(fault.__cause__) or fault.message
            raise


class QuickCommand:
    """For the command classes: takes the values of all its options and arguments so."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters; the types are those of Typer."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of the other base class
        for param in params:
            if "get_runtime_param" not in vars(param):
                quick = QuickValues(param)
                param.get_runtime_param = lambda quick=quick: quick
        return params


def _in_our_words(cause: Any) -> str | None:
    """What pydantic says of a number, for people; None: it is about something else."""
    if not hasattr(cause, "errors"):
        return None
    first = cause.errors()[0]
    value, kind = f"'{str(first['input'])[:_MAX_SHOWN]}'", first["type"]
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = str(first["ctx"][kind[0] + "e"]).removesuffix(".0")
        return f"{value} is not {limit} or {'more' if kind[0] == 'g' else 'less'}"
    noun = _KINDS.get(kind.partition("_")[0])
    return f"{value} is no {noun}" if noun else None


def _is_right(value: Any, annotation: Any) -> bool:
    if get_origin(annotation) is list:
        return (
            get_args(annotation) == (str,)
            and isinstance(value, list | tuple)
            and all(type(each) is str for each in value)
        )
    is_simple = annotation in (str, int, float, bool) or (
        isinstance(annotation, type) and issubclass(annotation, Enum)
    )
    return is_simple and type(value) is annotation
