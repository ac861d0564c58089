"""Settings under a name."""
