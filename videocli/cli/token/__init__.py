"""Where the access token comes from."""
