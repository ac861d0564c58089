"""What takes the frames of remote tracks: files (`recording`), commands (`pipe`), viewers (`viewing`)."""
