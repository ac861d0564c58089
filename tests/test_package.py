"""The names for scripts that `import videocli` offers."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import videocli


def declared() -> dict[str, str]:
    """What type checkers are told: each name, and the module it comes from."""
    tree = ast.parse(Path(videocli.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    return {
        alias.name: node.module or ""
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_type_checkers_are_told_what_there_is() -> None:
    assert declared() == videocli._HOMES


@pytest.mark.parametrize("name", videocli._HOMES)
def test_each_name_is_what_its_home_has(name: str) -> None:
    home = import_module(videocli._HOMES[name])
    assert getattr(videocli, name) is getattr(home, name)
    assert name in dir(videocli)


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="'videocli' has no attribute 'conect'"):
        videocli.conect  # noqa: B018  # asking is the test
