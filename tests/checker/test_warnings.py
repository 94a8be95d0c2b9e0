"""Every warning is found in real packages, and told wherever a depositor may look."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from checker.checking import check
from client.documents import read_receipt, read_status
from deposit.models import Collection, Deposit
from packages.warnings import WARNINGS
from tests.packages.building import ZipEntry, tar_entry, zip_archive
from tests.support.factories import http_client, logged_in
from tests.support.lifecycle_fixtures import depositor, sent

pytestmark = pytest.mark.django_db(transaction=True)

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\nxxxx\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
FULL = hashlib.sha256(b"x").hexdigest().encode()
# Without an end mark, in gzip; with something of everything.
MUCH = gzip.compress(
    b"".join(
        (
            tar_entry(b"setup.py", b"x"),
            tar_entry(b".DS_Store", b"x"),
            tar_entry(b"Readme", b"x"),
            tar_entry(b"README", b"x"),
            tar_entry(b"README", b"x"),
            tar_entry(b"\x93\xfa\x96\x7b.txt", b"x"),
            tar_entry(b"data.bin", LFS),
            tar_entry(b"id_rsa", KEY),
            tar_entry(b"c:x", b"x"),
            tar_entry(b"a.o", b"x"),
            tar_entry(b"empty"),
            tar_entry(b"SHA256SUMS", FULL + b"  empty\n"),
            tar_entry(b".gitmodules", b"[submodule]\n\tpath = lib\n"),
            tar_entry(b"lib/", typeflag=b"5"),
            tar_entry(b"absolute", typeflag=b"2", link=b"/dev/null"),
            tar_entry(b"pipe", typeflag=b"6"),
        )
    )
)
BACKSLASHES = zip_archive(
    ZipEntry(name=b"d\\b", data=b"x", host=0), ZipEntry(name=b"d\\c", data=b"y", host=0)
)
NESTED = zip_archive(ZipEntry(name=b"p.tar.gz", data=b"x"), ZipEntry(name=b"__MACOSX/._p", data=b"y"))


@pytest.fixture
def deposit(tmp_path: Path, settings: Any) -> Deposit:
    """A deposit with every warning, in a collection with wishes; its depositor was asked."""
    settings.STAGING_ROOT = str(tmp_path)
    client, collection = depositor()
    wishes = {"source_only": True, "top_folder": "one", "links_outside": True, "special_files": True}
    Collection.objects.filter(pk=collection.pk).update(confirm_warnings=True, **wishes)
    collection.refresh_from_db()
    made = sent(MUCH, BACKSLASHES, NESTED, who=(client, collection))
    check(made.pk, worker="checker")
    made.refresh_from_db()
    return made


def test_every_warning_is_told_everywhere(deposit: Deposit) -> None:
    found = {each.code: each for each in deposit.findings.all() if each.code.startswith("package.warning.")}
    errors = list(deposit.findings.filter(severity="error").values_list("code", "subject", "message"))
    assert (found.keys() ^ WARNINGS.keys(), errors) == (set(), [])

    http, address = http_client(deposit.client), f"/1/{deposit.collection.name}/{deposit.pk}/"
    told = http.get(f"/api/deposits/{deposit.pk}/").json()
    assert WARNINGS.keys() <= {each["code"] for each in told["findings"] if each["severity"] == "warning"}

    status = read_status(http.get(f"{address}status/").content)
    receipt = http.get(f"{address}atom/").content
    assert (status.waits_for, read_receipt(receipt).deposit_id) == ("confirmation", deposit.pk)
    state = json.dumps(http.get(f"/3/object/{deposit.pk}/").json()["state"], ensure_ascii=False)
    page = logged_in(deposit.client.user).get(f"/deposits/{deposit.pk}/").content.decode()
    for code, finding in found.items():
        # The client prints the status detail as it is.
        sentence = " ".join(finding.message.split()).rstrip(".")
        assert f"Warning: {sentence}" in status.detail, code
        assert finding.subject in status.detail, code
        assert f"Warning: {sentence}" in state.replace('\\"', '"').replace("\\\\", "\\"), code
        assert code in page, code
    assert receipt.count(b"Warning: ") == 2 * len(found)
