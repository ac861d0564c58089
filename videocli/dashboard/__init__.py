"""What you see: a picture of the room, drawn in the terminal."""
