"""Forms that Django parses itself are small and have no files.

The check against forged forms parses whatever form anybody sends, before anybody has asked who that is. Django's own
handlers would write its files to the disk, without a bound.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousMultipartForm
from django.core.files.uploadhandler import FileUploadHandler


class NoFiles(FileUploadHandler):
    """Refuses what is no plain form; the answer is 400."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *_: Any, **__: Any) -> None:
        """Refuse a form that is larger than one may be, before it is read."""
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The form is too large.")

    def new_file(self, *_: Any, **__: Any) -> None:
        """Refuse a file."""
        raise SuspiciousMultipartForm("This form takes no files.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Take nothing."""
        raise SuspiciousMultipartForm("This form takes no files.")

    def file_complete(self, file_size: int) -> None:
        """There is none."""
