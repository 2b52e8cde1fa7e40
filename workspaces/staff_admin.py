"""The Django admin as support staff may use it: look at much, write what a person must, see no secret.

ReadOnlyAdmin is the base of every page there; `secure` is called once, when all apps have registered theirs.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

OUR_APPS = ("workspaces", "integrations", "activity")
COUNT_TO = 1000


class CappedPaginator(Paginator):
    """Counts to 1,000 and no further: the count of a large table would be slower than the page itself."""

    count_to = COUNT_TO

    @cached_property
    def count(self) -> int:
        """The number of rows, at most COUNT_TO."""
        return self.object_list.order_by().values("pk")[:COUNT_TO].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that staff can look at. `writable` names the few fields that they may change."""

    writable: ClassVar[Sequence[str]] = ()
    secret: ClassVar[Sequence[str]] = ()  # columns that are neither shown nor selected
    shown: ClassVar[Mapping[str, str]] = {}  # columns and what a row's page shows instead of them

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counts of a whole table, one for each choice
    list_per_page = 50
    actions = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Staff see it; who is staff is decided by the operator, not by groups."""
        return request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Staff see it."""
        return request.user.is_staff

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only where something is writable."""
        return bool(self.writable) and request.user.is_staff

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Every column but the secret ones."""
        return [self.shown.get(field.name, field.name) for field in self.opts.fields if field.name not in self.secret]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Every column that is not writable."""
        return [name for name in self.get_fields(request, obj) if name not in self.writable]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the secret columns in the database."""
        rows = super().get_queryset(request)
        return rows.defer(*self.secret) if self.secret else rows

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:
        """Call a row that has no name of its own by its kind and number."""
        row = context["original"]
        if row is not None and type(row).__str__ is Model.__str__:
            context["subtitle"] = f"{self.opts.verbose_name.capitalize()} {row.pk}"
        return super().render_change_form(request, context, **options)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only by what the page offers as filters: with `?recipient__startswith=` a hidden value could be guessed."""
        offered = [each if isinstance(each, str) else each[0] for each in self.list_filter]
        return any(lookup == name or lookup.startswith(f"{name}__") for name in offered)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by a whole uuid, else as usual."""
        try:
            wanted = uuid.UUID(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(uuid=wanted), False


def link(name: str, description: str = "") -> Callable[[admin.ModelAdmin, Model], str]:
    """Return a column that leads to the page of the object in the field `name` (dots lead through objects)."""

    @admin.display(description=description or name.split(".")[-1].replace("_", " "))
    def column(_page: admin.ModelAdmin, row: Model) -> str:
        target: Any = row
        for part in name.split("."):
            target = getattr(target, part, None)
        if target is None:
            return "–"
        meta = target._meta
        url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[target.pk])
        return format_html('<a href="{}">{}</a>', url, target)

    return column


def secure(site: admin.AdminSite) -> None:
    """Let people in through our login (rate limits, second factor), and close every page that is not ours.

    What libraries register shows too much: the queue's arguments, second factors, session keys.
    """
    site.login = secure_admin_login(site.login)
    for model in list(site._registry):
        if model._meta.app_label not in OUR_APPS:
            site.unregister(model)
    site.site_header = site.site_title = "Touchline support"
    site.index_title = "Look something up"
    site.enable_nav_sidebar = False  # the width is the columns'
