"""The keys of PostgreSQL's advisory locks, in one place so that no two are equal.

A key is used alone (one 64-bit key) or as the first of two 32-bit keys, the second of which names what is locked. Keys
are part of what two versions of the service share: a lock that both need keeps its key.
"""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """What is done by one at a time in the whole service."""

    # Held for as long as a dispatcher leads; alone.
    DISPATCHER = 0x5E4D_0001
    # One load at a time settles what an origin looks like; with the hash of the origin's URL.
    ORIGIN = 0x5E4D_0002
    # Numbering the origins of a client; with the hash of the URL.
    ORIGIN_NUMBERING = 0x5E4D_0003
    # Counting how many files are fetched from a host; with the hash of the host's name.
    FETCHED_HOST = 0x5E4D_0005
    # Counting days; alone.
    DAILY_STATISTICS = 0x5E4D_0006
    # Moving in from another deposit server; alone.
    MOVING_IN = 0x5E4D_0007
    # Anchors of numbered pages; with the client's number.
    PAGE_ANCHORS = 0x6D69_6C65
