"""One snapshot of the service and one list of alerts, and who renders them."""
