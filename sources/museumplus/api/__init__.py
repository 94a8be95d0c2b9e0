"""The museum in JSON, below ``/api/museum/``."""
