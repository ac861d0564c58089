"""The scripts and the manual in `completions/`, which `python -m videocli.cli.help.completions` writes."""

import sys
from pathlib import Path

from typer.completion import get_completion_script  # type: ignore[attr-defined]  # imported there, not "exported"

from videocli.cli.help import man as man_pages

FILES = {"bash": "videocli.bash", "zsh": "_videocli", "fish": "videocli.fish", "pwsh": "videocli.ps1"}
"""Where each shell's script is, under `completions/`; the names are those that the shells look for."""

MANUAL = "man"
"""Where the pages of the manual are, under `completions/`."""

_BASH = """\
_videocli_completion() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} value kept
    # Typer's answer for fish takes the line as it is, where bash parts words at ":" and "=" too.
    COMPREPLY=( $( env _VIDEOCLI_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \\
                   _TYPER_COMPLETE_ARGS="$line" "$1" 2>/dev/null ) )
    COMPREPLY=( "${COMPREPLY[@]%%$'\\t'*}" )
    value=${line##*[[:space:]]}
    [[ $value == -*=* ]] && value=${value#*=}
    if [[ $value == *:* && $COMP_WORDBREAKS == *:* ]]; then
        kept=${value%"${value##*:}"}
        COMPREPLY=( "${COMPREPLY[@]#"$kept"}" )
    fi
}

complete -o default -F _videocli_completion videocli
"""
_REGISTER = "compdef _videocli_completion videocli"
_REGISTER_OR_ANSWER = f"""\
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _videocli_completion "$@"
else
  {_REGISTER}
fi"""
"""Loaded from $fpath, the file is called for the first Tab, and has to answer it."""


def script(shell: str) -> str:
    """The script that makes a shell ask videocli what may come next."""
    if shell == "bash":
        return _BASH
    text = get_completion_script(prog_name="videocli", complete_var="_VIDEOCLI_COMPLETE", shell=shell)
    lines = [line.rstrip() for line in text.replace(_REGISTER, _REGISTER_OR_ANSWER).splitlines()]
    return "\n".join(lines) + "\n"


def main(directory: Path) -> None:
    """Write the scripts of all shells, and the pages of the manual; pages of commands that are gone go."""
    for shell, name in FILES.items():
        (directory / name).write_text(script(shell), encoding="utf-8")
    manual = directory / MANUAL
    manual.mkdir(exist_ok=True)
    written = man_pages.pages()
    for stale in {path.name for path in manual.iterdir()} - written.keys():
        (manual / stale).unlink()
    for name, text in written.items():
        (manual / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "completions")
