"""Said on the signaling wire, by both ends: TCMP and RSP. Pure."""
