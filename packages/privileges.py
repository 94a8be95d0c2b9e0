"""What a process may do beside reading: given up for good, as far as the kernel lets it.

For processes that read what strangers sent. The network goes with a namespace of its own, which has no other; without
privileges that takes a user namespace, which some systems forbid. Capabilities go by themselves.
"""

import ctypes
import os
import sys

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_CAPBSET_DROP = 24
_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 63
# Root reads files of the account that received them; as root it could read everything anyway.
_CAP_DAC_READ_SEARCH = 2


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Half(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def give_up() -> None:
    """Leave the network and give up all capabilities; what the kernel refuses is left as it is. One thread only."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    is_root = os.geteuid() == 0
    libc.unshare(_CLONE_NEWNET if is_root else _CLONE_NEWUSER | _CLONE_NEWNET)
    kept = 1 << _CAP_DAC_READ_SEARCH if is_root else 0
    for number in range(_LAST_CAPABILITY + 1):
        if not kept >> number & 1:
            libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)
    halves = (_Half * 2)(_Half(kept, kept, 0), _Half(0, 0, 0))
    libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), halves)
