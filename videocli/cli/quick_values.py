"""Takes the values of options as they are where that is right.

Typer would import pydantic to find out, which takes longer than everything else at start-up together.
"""

from enum import Enum
from typing import Any, get_args, get_origin


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
        return self._thorough().coerce(value, param, ctx)


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
