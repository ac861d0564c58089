"""Rooms for scripts: `videocli.connect` and what it gives. Import these names from `videocli` itself."""
