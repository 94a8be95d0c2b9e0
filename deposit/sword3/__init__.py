"""The SWORD 3 face, at ``/3/``: parses requests and renders answers of the same services as the SWORD 2 face."""
