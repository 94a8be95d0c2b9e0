"""Access to the archive over HTTP (OAIS's word). Rights come from deposits, so this is not the archive's room."""
