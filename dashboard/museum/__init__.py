"""The museum's pages, below ``/museum/``: for operators."""
