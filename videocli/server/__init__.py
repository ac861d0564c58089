"""The embedded room server."""
