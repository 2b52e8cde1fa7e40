"""The pages of the app."""

from django.urls import URLPattern, path

from workspaces.views import audit_log, general, home, invitation, members, profile, roles

# Paths that may be asked for without a workspace: they lead to the same path of the last used one.
IN_LAST_WORKSPACE = (
    "settings/profile/",
    "settings/integrations/",
    "settings/crm-and-live-feed/",
    "activity-log/",
    "activity-log/<uuid:uuid>/",
    "live-feed/",
    "unresolved/",
)

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("workspaces/new/", home.workspace_new, name="workspace_new"),
    path("invitations/<uuid:uuid>/accept/", home.invitation_accept, name="invitation_accept"),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
    path("w/<slug:slug>/switch/", home.workspace_switch, name="workspace_switch"),
    path("w/<slug:slug>/settings/profile/", profile.profile, name="profile"),
    path("w/<slug:slug>/settings/profile/leave/", profile.workspace_leave, name="workspace_leave"),
    path("w/<slug:slug>/admin/general/", general.workspace_general, name="workspace_general"),
    path("w/<slug:slug>/admin/members/", members.members, name="members"),
    path("w/<slug:slug>/admin/members/<uuid:uuid>/role/", members.member_role, name="member_role"),
    path("w/<slug:slug>/admin/members/<uuid:uuid>/admin/", members.member_admin, name="member_admin"),
    path("w/<slug:slug>/admin/members/<uuid:uuid>/remove/", members.member_remove, name="member_remove"),
    path(
        "w/<slug:slug>/admin/invitations/<uuid:uuid>/resend/",
        members.invitation_resend,
        name="invitation_resend",
    ),
    path(
        "w/<slug:slug>/admin/invitations/<uuid:uuid>/withdraw/",
        members.invitation_withdraw,
        name="invitation_withdraw",
    ),
    path("w/<slug:slug>/admin/roles/", roles.roles, name="roles"),
    path("w/<slug:slug>/admin/roles/<uuid:uuid>/rename/", roles.role_rename, name="role_rename"),
    path("w/<slug:slug>/admin/roles/<uuid:uuid>/default/", roles.role_default, name="role_default"),
    path("w/<slug:slug>/admin/roles/<uuid:uuid>/delete/", roles.role_delete, name="role_delete"),
    path("w/<slug:slug>/admin/audit-log/", audit_log.audit_log, name="audit_log"),
    *(path(route, home.in_last_workspace) for route in IN_LAST_WORKSPACE),
]
