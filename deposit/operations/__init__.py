"""What operators do to the whole record: backup, restore, doctor, invariants."""
