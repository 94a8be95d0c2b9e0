"""Work that is due: the dispatcher, leases, the sessions of claims, the publisher."""
