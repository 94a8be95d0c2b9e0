"""The web pages."""

from django.urls import path

from dashboard.views import (
    account,
    actions,
    archive,
    deposit,
    deposits,
    figures,
    fixity,
    home,
    landing,
    overview,
    stored,
    upload,
)

app_name = "dashboard"
urlpatterns = [
    path("", home.home, name="home"),
    path("login/", home.LogIn.as_view(), name="login"),
    path("logout/", home.log_out, name="logout"),
    path("help/", home.how_to, name="help"),
    path("account/", account.account, name="account"),
    path("account/tokens/", account.issue_token, name="issue-token"),
    path("account/tokens/<int:token_id>/revoke/", account.revoke_token, name="revoke-token"),
    path("deposits/", deposits.deposit_list, name="deposits"),
    path("deposits.csv", deposits.export, name="export"),
    path("deposits/action/", actions.confirm, name="confirm"),
    path("deposits/action/do/", actions.act, name="act"),
    path("deposits/<int:deposit_id>/", landing.deposit_or_landing, name="deposit"),
    path("deposits/<int:deposit_id>/citation.bib", deposit.bibtex, name="bibtex"),
    path("deposits/<int:deposit_id>/CITATION.cff", deposit.cff, name="cff"),
    path("deposits/<int:deposit_id>/parts/<int:part_id>/", deposit.part, name="part"),
    path("deposits/<int:deposit_id>/files/", archive.files, name="files"),
    path("deposits/<int:deposit_id>/files/<path:path>", archive.files, name="files"),
    path("deposits/<int:deposit_id>/raw/<path:path>", archive.raw, name="raw"),
    path("deposits/<int:deposit_id>/tar/", archive.tar, name="tar"),
    path("deposits/<int:deposit_id>/tar/<path:path>", archive.tar, name="tar"),
    path("deposits/<int:deposit_id>/zip/", archive.as_zip, name="zip"),
    path("deposits/<int:deposit_id>/zip/<path:path>", archive.as_zip, name="zip"),
    path("badge/<str:swhid>.svg", deposit.badge, name="badge"),
    path("stored/", stored.stored, name="stored"),
    path("origin/", stored.origin_history, name="history"),
    path("upload/", upload.upload, name="upload"),
    path("overview/", overview.overview, name="overview"),
    path("fixity/", fixity.fixity, name="fixity"),
    path("figures/", figures.figures, name="figures"),
    path("figures.csv", figures.export, name="figures-export"),
]
