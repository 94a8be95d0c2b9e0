"""The names of before, until all branches have the new ones: see `deposit.services.parts`."""

from deposit.services.parts import Package, RemoteFile, Submission, Uploaded

Arrival, Elsewhere = Submission, RemoteFile
__all__ = ["Arrival", "Elsewhere", "Package", "RemoteFile", "Submission", "Uploaded"]
