"""Long lists of deposits: by cursor, and as numbered pages."""
