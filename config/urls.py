"""Every address of the product; each app names its own pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import healthz
from config.outbox import outbox
from config.styleguide import styleguide
from workspaces.staff_admin import secure

secure(admin.site)

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("activity.urls")),  # before the others: the API is what is asked most
    path("outbox/", outbox, name="outbox"),
    path("account/", include("allauth.urls")),
    path("", include("workspaces.urls")),
    path("", include("integrations.urls")),
    path("styleguide/", styleguide, name="styleguide"),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
]
