"""Who is told what, by mail and by webhooks: made of the lines of the history that ask for it."""
