"""What goes into a room and what is taken out of it: sources, data tracks, recordings, pipes."""
