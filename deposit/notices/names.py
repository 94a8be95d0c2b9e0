"""The names of this room's work."""

# The Celery queue of all notices.
QUEUE = "notices"
# Kinds of work: one notification (key: its number); the mail of a day (key: the subscription's number).
NOTICE = "notice"
DIGEST = "notice-digest"
