"""videocli: the command-line client for video rooms."""
