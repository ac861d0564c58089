"""What takes the frames of remote tracks: files (`recording`) and commands (`pipe`)."""
