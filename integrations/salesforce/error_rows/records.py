"""API codes that concern one record: what its data, the org's rules or the user's rights do not allow.

Source of codes and meanings: Salesforce's REST and SOAP guides (core data types, status codes).
"""

from integrations.salesforce.error_classes import (
    SALESFORCE_ADMIN,
    YOU,
    ErrorRow,
    NoAccess,
    RecordGone,
    Rejected,
    StaleDescribe,
    Transient,
)

_FIELD_SECURITY = "Setup › Object Manager › the object › Fields › Set Field-Level Security"
_ROW = "the row in the Activity Log"
# Customer code that failed for want of a lock or of governor limits passes when fewer records go at once.
_PASSING_CAUSE = r"Apex CPU time limit|UNABLE_TO_LOCK_ROW|Too many SOQL"
_PASSING = "An automation in your Salesforce org ran out of its limits. Touchline tries again with fewer records."

ROWS = (
    # --- the org's fields have changed, or are hidden from this user
    ErrorRow("api", "INVALID_FIELD", StaleDescribe, "Field missing or hidden"),
    ErrorRow(
        "api",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        StaleDescribe,
        "Field not writable",
        user_message="Your Salesforce user may not write a field that Touchline fills.",
    ),
    ErrorRow(
        "api",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        StaleDescribe,
        "Value not in the picklist",
        user_message="A value that Touchline writes is no longer in the picklist of your Salesforce org.",
        where="Setup › Object Manager › the object › Fields › the picklist's values",
    ),
    # --- rights
    ErrorRow(
        "api",
        "INVALID_TYPE",
        NoAccess,
        "Object missing or hidden",
        user_message="Your Salesforce edition does not have this object, or your user may not see it.",
        where="Setup › Permission Sets › Object Settings",
    ),
    ErrorRow("api", "INSUFFICIENT_ACCESS_OR_READONLY", NoAccess, "No right to change this"),
    ErrorRow("api", "INSUFFICIENT_ACCESS", NoAccess, "No right to change this"),
    ErrorRow(
        "api",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        NoAccess,
        "No right on the related record",
        user_message="Your Salesforce user may not see or edit the related person, account or opportunity. "
        "Ask your "
        "Salesforce admin to share it, or log to another record.",
        where="the related record › Sharing, or Setup › Roles",
    ),
    ErrorRow(
        "api",
        "TRANSFER_REQUIRES_READ",
        NoAccess,
        "Owner may not read this",
        user_message="The Salesforce user who should own the record may not read this kind of record.",
        where="Setup › Permission Sets › Object Settings, for the owner",
    ),
    ErrorRow(
        "api",
        "TXN_SECURITY_NO_ACCESS",
        NoAccess,
        "Blocked by a security policy",
        user_message="A security policy of your Salesforce org blocked this call.",
        where="Setup › Transaction Security Policies",
    ),
    ErrorRow(
        "api",
        "TXN_SECURITY_RUNTIME_ERROR",
        NoAccess,
        "A security policy failed",
        user_message="A security policy of your Salesforce org failed, so the call was blocked.",
        where="Setup › Transaction Security Policies",
    ),
    ErrorRow(
        "api",
        "FUNCTIONALITY_NOT_ENABLED",
        NoAccess,
        "Feature is off",
        user_message="A feature that this record needs is switched off in your Salesforce org.",
        where="Setup, search for the feature named in Salesforce's message",
    ),
    ErrorRow(
        "api",
        "INVALID_CROSS_REFERENCE_KEY",
        NoAccess,
        "Record type not allowed",
        pattern=r"record type|valid for the user",
        user_message="Your Salesforce user may not use the record type of this record.",
        where="Setup › Permission Sets › Object Settings › Record Types",
    ),
    # --- rules that the customer's admin made
    ErrorRow(
        "api",
        "REQUIRED_FIELD_MISSING",
        Rejected,
        "A required field is empty",
        user_message="Your Salesforce org requires a field that Touchline does not fill. Give it a default "
        "value in the "
        "role's settings, or have it made optional.",
        who=SALESFORCE_ADMIN,
        where="Setup › Object Manager › the object › Fields, or the role's Salesforce settings here",
    ),
    ErrorRow(
        "api",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        Rejected,
        "A validation rule said no",
        user_message="A validation rule of your Salesforce org refused the record, with a message of its own. "
        "Correct "
        "the record it speaks of, or have the rule changed, then retry.",
        who=SALESFORCE_ADMIN,
        where="Setup › Object Manager › the object › Validation Rules",
    ),
    ErrorRow(
        "api",
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        Rejected,
        "A lookup filter said no",
        user_message="A lookup filter of your Salesforce org does not allow this related record.",
        who=SALESFORCE_ADMIN,
        where="Setup › Object Manager › the object › Fields › the lookup's filter",
    ),
    ErrorRow(
        "api",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        Rejected,
        "A trigger failed",
        user_message="A trigger (Apex code) of your Salesforce org failed. Your Salesforce admin must mend "
        "it, then retry.",
        who=SALESFORCE_ADMIN,
        where="Setup › Apex Triggers › the trigger named in Salesforce's message",
    ),
    ErrorRow(
        "api",
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        Transient,
        "A trigger ran out of limits",
        pattern=_PASSING_CAUSE,
        user_message=_PASSING,
    ),
    ErrorRow(
        "api",
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        Rejected,
        "A flow failed",
        user_message="A flow of your Salesforce org failed. Your Salesforce admin must mend it, then retry.",
        who=SALESFORCE_ADMIN,
        where="Setup › Flows › the flow named in Salesforce's message",
    ),
    ErrorRow(
        "api",
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        Transient,
        "A flow ran out of limits",
        pattern=_PASSING_CAUSE,
        user_message=_PASSING,
    ),
    ErrorRow(
        "api",
        "LIMIT_EXCEEDED",
        Rejected,
        "A limit of the org is reached",
        user_message="A limit of your Salesforce org is reached; its message says which.",
        who=SALESFORCE_ADMIN,
        where="Setup › System Overview",
    ),
    # --- the record's own data
    ErrorRow(
        "api",
        "FIELD_INTEGRITY_EXCEPTION",
        Rejected,
        "Data does not fit",
        user_message="Salesforce refused the combination of values in this record. Log it to another "
        "record, or retry "
        "after correcting what its message names.",
        where=_ROW,
    ),
    ErrorRow(
        "api",
        "FIELD_INTEGRITY_EXCEPTION",
        Rejected,
        "A lead cannot have a related record",
        pattern=r"lead whoid",
        user_message="A lead cannot be logged together with an account or opportunity. Log it to the lead alone.",
        where=_ROW,
    ),
    ErrorRow(
        "api",
        "FIELD_INTEGRITY_EXCEPTION",
        Rejected,
        "Wrong kind of record",
        pattern=r"id value of incorrect type",
        user_message="The chosen record is not a contact or lead. Log it to another record.",
        where="the row in the Activity Log › Log to another record",
    ),
    ErrorRow(
        "api",
        "MALFORMED_ID",
        Rejected,
        "Not a record id",
        user_message="The related record's id is not valid. Log it to another record.",
        where="the row in the Activity Log › Log to another record",
    ),
    ErrorRow(
        "api",
        "INVALID_EMAIL_ADDRESS",
        Rejected,
        "Not an e-mail address",
        user_message="Salesforce does not take this e-mail address. Correct it, then retry.",
        where=_ROW,
    ),
    ErrorRow(
        "api",
        "DUPLICATES_DETECTED",
        Rejected,
        "Possible duplicate",
        user_message="A duplicate rule of your Salesforce org found this person already there. Link to the "
        "existing one.",
        who=YOU,
        where="Unresolved › Link to…",
    ),
    ErrorRow(
        "api",
        "DUPLICATE_VALUE",
        Rejected,
        "Value must be unique",
        user_message="A field that must be unique already has this value on another record.",
        where=_ROW,
    ),
    ErrorRow(
        "api",
        "INACTIVE_OWNER_OR_USER",
        Rejected,
        "Owner is inactive",
        user_message="The record would belong to a deactivated Salesforce user. Choose another owner or "
        "reactivate them.",
        who=SALESFORCE_ADMIN,
        where="Setup › Users › the user › Active",
    ),
    # --- the record, or one it refers to, is not there any more
    ErrorRow("api", "NOT_FOUND", RecordGone, "Record or object not found"),
    ErrorRow(
        "api",
        "ENTITY_IS_DELETED",
        RecordGone,
        "Record deleted",
        user_message="The record was deleted or merged in Salesforce. Touchline looks for the right one again.",
    ),
    ErrorRow(
        "api",
        "INVALID_CROSS_REFERENCE_KEY",
        RecordGone,
        "Related record not found",
        user_message="The related person or record is gone or hidden from this Salesforce user. Touchline looks "
        "for the right one again.",
    ),
    ErrorRow(
        "api",
        "CANNOT_UPDATE_CONVERTED_LEAD",
        RecordGone,
        "Lead was converted",
        user_message="The lead has become a contact in Salesforce. Touchline logs to the contact instead.",
    ),
)
