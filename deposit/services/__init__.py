"""What can be done to the record: each service is a verb with keyword arguments and one transaction."""
