"""What is true in the room, and what happened in it. Pure."""
