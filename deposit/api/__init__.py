"""The JSON API below ``/api/``: what the dashboard shows, for programs. ``/api/openapi.json`` describes it."""
