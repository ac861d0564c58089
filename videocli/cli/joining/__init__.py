"""What `join` does: a stay in a room, from its options to its exit code."""
