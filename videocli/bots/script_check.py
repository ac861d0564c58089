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
            return None if node.args.args or node.args.posonlyargs else "its 'bot' takes no room"
        if isinstance(node, ast.ImportFrom) and any("bot" in (a.asname, a.name) for a in node.names):
            return None
    return "it has no 'async def bot(room)'"
