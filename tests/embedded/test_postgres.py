import pytest
from django.db import connection

pytestmark = pytest.mark.django_db


def test_tests_run_on_real_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        assert cursor.fetchone()[0] >= "150000"
