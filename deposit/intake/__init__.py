"""Whether something may come in, how much of it, and getting it from elsewhere."""
