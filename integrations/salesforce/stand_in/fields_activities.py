"""The fields of Task and Event, and of the tables that describe their picklists.

One line a field (goes on after a comma): name | type and length | flags | referred objects or values | label.
Flags: C createable, U updateable, F filterable, G groupable, S sortable, N nillable, D defaulted on create,
P permissionable (an admin can hide it), R restricted picklist, L id look-up, X no relationship.
A `*` marks a picklist's default.
The Id and the audit fields that each object has stand in schema.py.
"""

TASK = """
WhoId | reference | CUFGSNP | Contact, Lead | Name ID
WhatId | reference | CUFGSNP | Account, Asset, Campaign, Case, Contract, Opportunity, Order, Product2,
Solution | Related To ID
Subject | combobox 255 | CUFSN | Call, Email, Send Letter, Send Quote, Other
ActivityDate | date | CUFGSNP |  | Due Date Only
Status | picklist 255 | CUFGSD | Not Started*, In Progress, Completed, Waiting on someone else, Deferred
Priority | picklist 20 | CUFGSD | High, Normal*, Low
IsHighPriority | boolean | FGSD
OwnerId | reference | CUFGSD | Group, User | Assigned To ID
Description | textarea 32000 | CUNP
AccountId | reference | FGSN | Account
IsClosed | boolean | FGSD
IsArchived | boolean | FGSD |  | Archived
CallDurationInSeconds | int | CUFGSN |  | Call Duration
CallType | picklist 40 | CUFGSNR | Internal, Inbound, Outbound
CallDisposition | string 255 | CUFGSN |  | Call Result
CallObject | string 255 | CUFGSN |  | Call Object Identifier
ReminderDateTime | datetime | CUFSN |  | Reminder Date/Time
IsReminderSet | boolean | CUFGSD |  | Reminder Set
TaskSubtype | picklist 40 | CFGSNR | Task, Email, ListEmail, Cadence, Call, LinkedIn
CompletedDateTime | datetime | FSN
"""

EVENT = """
WhoId | reference | CUFGSNP | Contact, Lead | Name ID
WhatId | reference | CUFGSNP | Account, Asset, Campaign, Case, Contract, Opportunity, Order, Product2,
Solution | Related To ID
Subject | combobox 255 | CUFSN | Call, Email, Meeting, Send Letter/Quote, Other
Location | string 255 | CUFGSNP
IsAllDayEvent | boolean | CUFGSDP |  | All-Day Event
ActivityDateTime | datetime | CUFSN |  | Due Date Time
ActivityDate | date | CUFGSN |  | Due Date Only
DurationInMinutes | int | CUFGSN |  | Duration
StartDateTime | datetime | CUFSN
EndDateTime | datetime | CUFSN
EndDate | date | FGSN
Description | textarea 32000 | CUNP
AccountId | reference | FGSN | Account
OwnerId | reference | CUFGSD | Calendar, User | Assigned To ID
IsPrivate | boolean | CUFGSD |  | Private
ShowAs | picklist 40 | CUFGSNDR | Busy*, OutOfOffice, Free | Show Time As
IsChild | boolean | FGSD
IsGroupEvent | boolean | FGSD
GroupEventType | picklist 40 | FGSNDR | 0*, 1, 2, 3
IsArchived | boolean | FGSD |  | Archived
ReminderDateTime | datetime | CUFSN |  | Reminder Date/Time
IsReminderSet | boolean | CUFGSD |  | Reminder Set
EventSubtype | picklist 40 | CFGSNR | Event
IsRecurrence2Exclusion | boolean | FGSD |  | Historical Event, Not Following Recurrence
IsRecurrence2 | boolean | FGSD |  | Repeat
IsRecurrence2Exception | boolean | FGSD |  | Is Exception
"""

TASK_STATUS = """
MasterLabel | string 255 | CFGSN |  | Label
ApiName | string 255 | FGSN |  | API Name
SortOrder | int | FGSN
IsDefault | boolean | FGSD |  | Is Default
IsClosed | boolean | FGSD |  | Closed
"""

TASK_PRIORITY = """
MasterLabel | string 255 | CFGSN |  | Label
ApiName | string 255 | FGSN |  | API Name
SortOrder | int | FGSN
IsDefault | boolean | FGSD |  | Is Default
IsHighPriority | boolean | FGSD |  | High Priority
"""

TASK_STATUSES = (
    # value, is closed, is default
    ("Not Started", False, True),
    ("In Progress", False, False),
    ("Completed", True, False),
    ("Waiting on someone else", False, False),
    ("Deferred", False, False),
)

TASK_PRIORITIES = (
    # value, is high priority, is default
    ("High", True, False),
    ("Normal", False, True),
    ("Low", False, False),
)
