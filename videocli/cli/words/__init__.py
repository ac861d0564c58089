"""What is said: values to lines for people, or to JSON. Pure."""
