"""``manage.py bootstrap``: from an empty machine to a service that takes deposits, and safe to run again."""
