"""The pages in French and German: whole, compiled, and shown to those who ask."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.test import Client as Browser
from django.utils.translation import override

from deposit.models import Client
from deposit.monitoring.alerts import alerts
from tests.dashboard.conftest import sent

LOCALE = Path(__file__).resolve().parents[2] / "locale"
LANGUAGES = ("de", "fr")


def texts(language: str) -> dict[str, list[str]]:
    """What the source says: each text with its translation, or its two."""
    found = {}
    source = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    for entry in source.split("\n\n")[1:]:
        fields: dict[str, str] = {}
        for name, lines in re.findall(r'^(msg\S+) ((?:"[^\n]*"\n?)+)', entry, re.MULTILINE):
            fields[name] = "".join(map(ast.literal_eval, lines.splitlines()))
        text = fields.pop("msgid")
        found[text] = [translation for name, translation in fields.items() if name != "msgid_plural"]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_with_its_placeholders(language: str) -> None:
    for text, translations in texts(language).items():
        for translation in translations:
            assert translation, text
            assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(re.findall(r"%\(\w+\)s", translation)), (
                text
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, (translation, *_) in texts(language).items():
        singular = compiled.ngettext(text, text, 1)
        assert translation in (compiled.gettext(text), singular), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_the_templates_was_forgotten(language: str) -> None:
    written = texts(language)
    for template in (LOCALE.parent / "templates" / "dashboard").rglob("*.html"):
        source = template.read_text(encoding="utf-8")
        for quoted in re.findall(r"{% translate (\"[^\"]*\"|'[^']*') %}", source):
            # Django's templates double the sign of per cent in what they ask for.
            assert ast.literal_eval(quoted).replace("%", "%%") in written, template.name


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("fr", "Dépôts"), ("de", "Einlieferungen"), ("en", "Deposits")]
)
def test_the_browser_is_answered_in_its_language(
    browser: Browser, depositor: Client, language: str, words: str
) -> None:
    deposit = sent(depositor)
    for path in ("/deposits/", f"/deposits/{deposit.pk}/"):
        response = browser.get(path, headers={"Accept-Language": language})
        assert f'<html lang="{language}">' in response.content.decode()
        assert words in response.content.decode()


@pytest.mark.django_db
def test_a_language_that_was_chosen_stays(browser: Browser) -> None:
    browser.post("/i18n/setlang/", {"language": "de", "next": "/deposits/"})
    assert "Einlieferungen" in browser.get("/deposits/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "words"), [("de", "Niemand nimmt mehr Arbeit an"), ("fr", "Plus aucun processus")]
)
def test_what_is_wrong_is_said_in_the_operators_language(language: str, words: str) -> None:
    with override(language):
        sentences = [alert.sentence for alert in alerts()]
    assert any(sentence.startswith(words) for sentence in sentences)
