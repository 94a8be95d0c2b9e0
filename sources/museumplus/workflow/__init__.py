"""What happens to objects: enqueued, deposited, delivered, confirmed, frozen."""
