"""Reading packages safely: zip, tar and its compressions, behind one streaming interface of members.

Whatever the bytes of a package, only PackageError (the package's fault) and OSError (ours) leave this room.
"""

from packages.errors import CODES, PackageError
from packages.limits import Limits
from packages.members import Kind, Member
from packages.opening import Package, open_package

__all__ = ["CODES", "Kind", "Limits", "Member", "Package", "PackageError", "open_package"]
