"""Whether somebody still holds a file open for writing, as far as the kernel tells.

A read lease is granted only on a file that nobody has open for writing (fcntl(2), "Leases"); asking for one and giving
it back at once is the question. It is answered to the file's owner and to who has CAP_LEASE, by local file systems.
"""

import errno
import fcntl
import os
import signal
from pathlib import Path

from sources.folders.scanning import Stamp

_CANNOT_TELL = {errno.EACCES, errno.EPERM, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def is_held_open(path: Path) -> bool | None:
    """Whether a regular file is open for writing; None where the kernel does not tell."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        # Were a writer to come in this very moment, the kernel would send SIGIO, which ends a process. SIGURG does not.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return None if error.errno in _CANNOT_TELL else error.errno in (errno.EAGAIN, errno.EWOULDBLOCK)
    else:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(handle)


def is_written_to(path: Path, stamp: Stamp) -> bool | None:
    """The same for an entry: of a directory, whether any file in it is. None where it is not told of some file."""
    if not stamp.is_directory:
        return False if stamp.is_link else is_held_open(path)
    answer: bool | None = False
    for folder, _, names in os.walk(path):
        for name in names:
            held = is_held_open(Path(folder, name)) if not Path(folder, name).is_symlink() else False
            if held:
                return True
            if held is None:
                answer = None
    return answer
