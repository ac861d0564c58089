"""How text leaves the process: to whom, how fast, and without secrets."""
