"""Carried on the media wire, by both ends."""
