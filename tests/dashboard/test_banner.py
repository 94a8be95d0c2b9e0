"""The sentence at the top of every page of a service that is not the one that keeps things."""

from typing import Any

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["/", "/login/", "/help/", "/admin/login/", "/no-such-page/"])
def test_banner_stands_on_every_page(page: str, settings: Any) -> None:
    settings.BANNER = "Staging: what is <deposited> here goes"
    body = Client().get(page, follow=True).content.decode()
    assert body.count("Staging: what is &lt;deposited&gt; here goes") == 1


@pytest.mark.django_db
def test_there_is_none_unless_it_is_set() -> None:
    assert 'class="banner"' not in Client().get("/login/").content.decode()
