"""The fields of the org itself: its users, what they may do, and the organisation's own row.

One line a field (goes on after a comma): name | type and length | flags | referred objects or values | label.
Flags: C createable, U updateable, F filterable, G groupable, S sortable, N nillable, D defaulted on create,
P permissionable (an admin can hide it), R restricted picklist, L id look-up, X no relationship.
A `*` marks a picklist's default.
The Id and the audit fields that each object has stand in schema.py.
"""

USER = """
Username | string 80 | CUFGSL
LastName | string 80 | CUFGS
FirstName | string 40 | CUFGSN
Name | string 121 | FGS |  | Full Name
Title | string 80 | CUFGSN
Email | email 128 | CUFGSL
IsActive | boolean | CUFGSD |  | Active
UserType | picklist 40 | FGSNR | Standard, PowerPartner, CsnOnly, AutomatedProcess | User Type
Alias | string 8 | CUFGS
TimeZoneSidKey | picklist 40 | CUFGSR | Europe/London, Europe/Berlin, America/New_York, America/Los_Angeles,
Asia/Tokyo, UTC | Time Zone
LocaleSidKey | picklist 40 | CUFGSR | en_US, en_GB, de_DE | Locale
LanguageLocaleKey | picklist 40 | CUFGSR | en_US, de | Language
ProfileId | reference | CUFGS | Profile
ManagerId | reference | CUFGSN | User
"""

ORGANIZATION = """
Name | string 80 | UFGS
OrganizationType | picklist 40 | FGSNR | Team Edition, Professional Edition, Enterprise Edition, Developer Edition,
Unlimited Edition | Edition
IsSandbox | boolean | FGSD |  | Is Sandbox
InstanceName | string 5 | FGSN |  | Instance Name
TrialExpirationDate | datetime | FSN
IsReadOnly | boolean | FGSD |  | Is Read Only
NamespacePrefix | string 15 | FGSN
LanguageLocaleKey | picklist 40 | UFGS | en_US, de | Language
DefaultLocaleSidKey | picklist 40 | UFGS | en_US, en_GB, de_DE | Locale
TimeZoneSidKey | picklist 40 | UFGS | Europe/London, Europe/Berlin, America/New_York, UTC | Time Zone
PrimaryContact | string 80 | UFGSN
Country | string 80 | UFGSN
"""

USER_RECORD_ACCESS = """
UserId | reference | F | User
RecordId | reference | FGS | Account
HasReadAccess | boolean | FGSD
HasEditAccess | boolean | FGSD
HasDeleteAccess | boolean | FGSD
HasTransferAccess | boolean | FGSD
HasAllAccess | boolean | FGSD
MaxAccessLevel | picklist 40 | FGSNR | None, Read, Edit, Delete, Transfer, All
"""

PERMISSIONS = (
    # what UserPermissionAccess and a profile can say; each is a column "Permissions<name>"
    "ApiEnabled",
    "ModifyAllData",
    "ViewAllData",
    "ViewAllUsers",
    "ViewSetup",
    "CustomizeApplication",
    "EditTask",
    "EditEvent",
    "ActivitiesAccess",
    "ApiUserOnly",
    "ManageUsers",
    "TransferAnyEntity",
    "EditReadonlyFields",
    "CreateAuditFields",
    "UpdateWithInactiveOwner",
    "ConvertLeads",
)

USER_PERMISSION_ACCESS = "\n".join(f"Permissions{name} | boolean | FGSD" for name in PERMISSIONS)
