"""What you type: commands, options, output."""
