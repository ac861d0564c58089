"""One participant in one room."""
