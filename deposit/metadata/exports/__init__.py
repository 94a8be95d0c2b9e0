"""A deposit's metadata in the formats that others read: each says all that its format has a place for. Pure."""
