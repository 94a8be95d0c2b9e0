"""Writing packs anew: small ones are merged into large ones, and what was erased is left out."""
