"""The pages of the app."""

from django.urls import URLPattern, path

from activity.views import log, personal, row

LOG = "w/<slug:slug>/activity-log/"
ROW = f"{LOG}<uuid:uuid>/"
CRM = "w/<slug:slug>/settings/crm-and-live-feed/"

urlpatterns: list[URLPattern] = [
    path(LOG, log.activity_log, name="activity_log"),
    path(f"{LOG}live/", log.activity_log_live, name="activity_log_live"),
    path(f"{LOG}export/", log.activity_log_export, name="activity_log_export"),
    path(ROW, row.activity_log_row, name="activity_log_row"),
    path(f"{ROW}live/", row.activity_log_row_live, name="activity_log_row_live"),
    path(f"{ROW}payload/", row.activity_log_row_payload, name="activity_log_row_payload"),
    path(CRM, personal.crm_and_live_feed, name="crm_and_live_feed"),
    path(f"{CRM}sync-all/", personal.crm_sync_all, name="crm_sync_all"),
    path(f"{CRM}sharing/", personal.crm_sharing, name="crm_sharing"),
    path(f"{CRM}activities/", personal.crm_kinds, name="crm_kinds"),
    path(f"{CRM}never-log/", personal.crm_never_log, name="crm_never_log"),
    path(f"{CRM}never-log/<uuid:uuid>/remove/", personal.crm_never_log_remove, name="crm_never_log_remove"),
]
