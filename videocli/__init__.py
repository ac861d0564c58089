"""videocli: the command-line client for video rooms."""

__version__ = "0.1.0"
