"""The pages of the app."""

from django.urls import URLPattern, URLResolver, path

from activity.api import api
from activity.views import (
    feed,
    health,
    log,
    new_people,
    personal,
    repairs,
    roles,
    row,
    saved_searches,
    tracking,
    unresolved,
)

LOG = "w/<slug:slug>/activity-log/"
ROW = f"{LOG}<uuid:uuid>/"
ROLE = "w/<slug:slug>/admin/roles/<uuid:uuid>/"
SEARCHES = "w/<slug:slug>/live-feed/searches/"
CRM = "w/<slug:slug>/settings/crm-and-live-feed/"

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("t/o/<str:token>.gif", tracking.tracking_open, name="tracking_open"),
    path("t/c/<str:token>", tracking.tracking_click, name="tracking_click"),
    path("t/d/<str:token>", tracking.tracking_download, name="tracking_download"),
    path(LOG, log.activity_log, name="activity_log"),
    path(f"{LOG}live/", log.activity_log_live, name="activity_log_live"),
    path(f"{LOG}export/", log.activity_log_export, name="activity_log_export"),
    path(f"{LOG}retry-cause/", repairs.activity_log_retry_cause, name="activity_log_retry_cause"),
    path(ROW, row.activity_log_row, name="activity_log_row"),
    path(f"{ROW}live/", row.activity_log_row_live, name="activity_log_row_live"),
    path(f"{ROW}payload/", row.activity_log_row_payload, name="activity_log_row_payload"),
    path(f"{ROW}retry/", repairs.activity_log_row_retry, name="activity_log_row_retry"),
    path(f"{ROW}relink/", repairs.activity_log_row_relink, name="activity_log_row_relink"),
    path(f"{ROW}withdraw/", repairs.activity_log_row_withdraw, name="activity_log_row_withdraw"),
    path(f"{ROW}delete/", repairs.activity_log_row_delete, name="activity_log_row_delete"),
    path("w/<slug:slug>/live-feed/", feed.live_feed, name="live_feed"),
    path("w/<slug:slug>/live-feed/live/", feed.live_feed_live, name="live_feed_live"),
    path(SEARCHES, saved_searches.live_feed_search_save, name="live_feed_search_save"),
    path(f"{SEARCHES}<uuid:uuid>/", saved_searches.live_feed_search_change, name="live_feed_search_change"),
    path(f"{SEARCHES}<uuid:uuid>/delete/", saved_searches.live_feed_search_delete, name="live_feed_search_delete"),
    path("w/<slug:slug>/unresolved/", unresolved.unresolved, name="unresolved"),
    path("w/<slug:slug>/unresolved/create/", new_people.unresolved_create, name="unresolved_create"),
    path("w/<slug:slug>/unresolved/ignore/", unresolved.unresolved_ignore, name="unresolved_ignore"),
    path("w/<slug:slug>/unresolved/link/", unresolved.unresolved_link, name="unresolved_link"),
    path("w/<slug:slug>/unresolved/retry/", unresolved.unresolved_retry, name="unresolved_retry"),
    path("w/<slug:slug>/admin/roles/confirm/", roles.roles_confirm, name="roles_confirm"),
    path(ROLE, roles.role, name="role"),
    path(f"{ROLE}preview/", roles.role_preview, name="role_preview"),
    path(f"{ROLE}exclusions/", roles.role_exclusion_add, name="role_exclusion_add"),
    path(f"{ROLE}overrides/", roles.role_override_add, name="role_override_add"),
    path(f"{ROLE}exclusions/<uuid:entry>/remove/", roles.role_exclusion_remove, name="role_exclusion_remove"),
    path(f"{ROLE}versions/<int:number>/restore/", roles.role_restore, name="role_restore"),
    path("w/<slug:slug>/admin/sync-health/", health.sync_health, name="sync_health"),
    path("w/<slug:slug>/admin/sync-health/test/", health.sync_health_test, name="sync_health_test"),
    path("w/<slug:slug>/admin/sync-health/replay/", health.sync_health_replay, name="sync_health_replay"),
    path(CRM, personal.crm_and_live_feed, name="crm_and_live_feed"),
    path(f"{CRM}sync-all/", personal.crm_sync_all, name="crm_sync_all"),
    path(f"{CRM}sharing/", personal.crm_sharing, name="crm_sharing"),
    path(f"{CRM}activities/", personal.crm_kinds, name="crm_kinds"),
    path(f"{CRM}never-log/", personal.crm_never_log, name="crm_never_log"),
    path(f"{CRM}never-log/<uuid:uuid>/remove/", personal.crm_never_log_remove, name="crm_never_log_remove"),
]
