"""Ways in beside the API: each source finds what is to be preserved and makes deposits of it."""
