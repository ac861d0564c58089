"""Whether a file can be a script, without running it."""

import ast


def problem_of(source: str) -> str | None:
    """Why this cannot be a script, in words; None: it may be one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as fault:
        line = getattr(fault, "lineno", None)
        return (
            f"line {line} is no Python: {getattr(fault, 'msg', fault)}"
            if line
            else f"it is no Python: {fault}"
        )
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "bot":
            if _yields(node):
                return "its 'bot' has a 'yield' in it, which makes it no coroutine function"
            return None if node.args.args or node.args.posonlyargs else "its 'bot' takes no room"
        if isinstance(node, ast.ImportFrom) and any("bot" in (a.asname, a.name) for a in node.names):
            return None
    return "it has no 'async def bot(room)'"


def _yields(node: ast.AST) -> bool:
    """Whether it does itself, and not a function within it."""
    within = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
    return any(
        isinstance(child, ast.Yield) or (not isinstance(child, within) and _yields(child))
        for child in ast.iter_child_nodes(node)
    )
