"""Sizes of request bodies that the settings and the HTTP server share; read without Django."""

# A body up to this size is read before a thread is given to its request. Forms are not larger
# (DATA_UPLOAD_MAX_MEMORY_SIZE), so that nobody needs a password to hold up a thread with one.
SMALL_BODY_BYTES = 128 * 1024
