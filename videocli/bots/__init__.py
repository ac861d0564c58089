"""Bots by the hundred, in as many processes as there are cores, and a report of how they fared."""
