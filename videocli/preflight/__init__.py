"""A test of everything between here and a room server, step by step."""
