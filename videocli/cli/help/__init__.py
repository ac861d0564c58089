"""What the parser knows, for people and shells: help pages, the manual, completions."""
