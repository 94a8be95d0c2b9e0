"""Files on their way in: staged, preallocated, hashed, cleaned up."""
