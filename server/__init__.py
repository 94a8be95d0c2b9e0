"""How processes are run: the gunicorn worker and its connections, the filesystem broker, pools, watchdogs."""
