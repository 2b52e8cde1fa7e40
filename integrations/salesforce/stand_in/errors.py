"""What Salesforce says when it refuses: the error codes with their statuses and texts."""

LIMIT_TOTAL = "TotalRequests Limit exceeded."
LIMIT_CONCURRENT = "ConcurrentPerOrgLongTxn Limit exceeded."

# code: (HTTP status of a single call, text). Where nothing else is known the status is 400.
CATALOG: dict[str, tuple[int, str]] = {
    "ALL_OR_NONE_OPERATION_ROLLED_BACK": (
        400,
        "Record rolled back because not all records were valid and the request was using AllOrNone header",
    ),
    "API_CURRENTLY_DISABLED": (403, "API is disabled for this User"),
    "API_DISABLED_FOR_ORG": (403, "The REST API is not enabled for this Organization."),
    "CANNOT_EXECUTE_FLOW_TRIGGER": (
        400,
        "We can't save this record because the “Task Created” process failed."
        " Give your Salesforce admin these details. ...",
    ),
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": (
        400,
        "TaskTrigger: execution of BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to"
        " de-reference a null object\n\nTrigger.TaskTrigger: line 12, column 1",
    ),
    "CANNOT_UPDATE_CONVERTED_LEAD": (400, "cannot reference converted lead"),
    "DUPLICATES_DETECTED": (400, "Use one of these records?"),
    "DUPLICATE_VALUE": (400, "duplicate value found: Code__c duplicates value on record with id: a01000000000001"),
    "ENTITY_IS_DELETED": (404, "entity is deleted"),
    "ENTITY_IS_LOCKED": (400, "the entity is locked for editing"),
    "EXCEEDED_ID_LIMIT": (400, "too many ids"),
    "EXCEEDED_MAX_SIZE_REQUEST": (413, "The request exceeded the maximum size of 52428800 bytes"),
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (400, "This was refused by a validation rule"),
    "FIELD_FILTER_VALIDATION_EXCEPTION": (400, "Value does not exist or does not match filter criteria."),
    "FIELD_INTEGRITY_EXCEPTION": (400, "field integrity exception"),
    "FUNCTIONALITY_NOT_ENABLED": (403, "functionality not enabled"),
    "GONE": (410, "The requested resource is no longer available"),
    "IDEMPOTENCY_NOT_SUPPORTED": (400, "Idempotency is not supported for this resource"),
    "INACTIVE_OWNER_OR_USER": (400, "operation performed with inactive user [{0}] as owner of {1}"),
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": (
        503,
        "Updates can't be made during maintenance.  Try again when the maintenance is complete.",
    ),
    "INSUFFICIENT_ACCESS": (403, "insufficient access rights on object id"),
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (
        400,
        "insufficient access rights on cross-reference id: {0}",
    ),
    "INSUFFICIENT_ACCESS_OR_READONLY": (403, "insufficient access rights on object id"),
    "INVALID_AUTH_HEADER": (401, "INVALID_HEADER_TYPE"),
    "INVALID_CROSS_REFERENCE_KEY": (400, "invalid cross reference id"),
    "INVALID_EMAIL_ADDRESS": (400, "Email: invalid email address: {0}"),
    "INVALID_FIELD": (400, "No such column '{0}' on sobject of type {1}"),
    "INVALID_FIELD_FOR_INSERT_UPDATE": (
        400,
        "Unable to create/update fields: {0}. Please check the security settings of this field and verify"
        " that it is read/write for your profile or permission set.",
    ),
    "INVALID_IDEMPOTENCY_KEY": (400, "Idempotency keys are UUIDs of version 4"),
    "INVALID_INPUT": (400, "invalid input"),
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD": (
        403,
        "The user's password has expired, you must call SetPassword before attempting any other API operations",
    ),
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": (400, "{0}: bad value for restricted picklist field: {1}"),
    "INVALID_QUERY_FILTER_OPERATOR": (400, "invalid ID field: {0}"),
    "INVALID_QUERY_LOCATOR": (404, "Invalid query locator"),
    "INVALID_REPLICATION_DATE": (400, "startDate before org replication enabled date"),
    "INVALID_SESSION_ID": (401, "Session expired or invalid"),
    "INVALID_TYPE": (
        400,
        "sObject type '{0}' is not supported. If you are attempting to use a custom object, be sure to append"
        " the '__c' after the entity name. Please reference your WSDL or the describe call for the"
        " appropriate names.",
    ),
    "JSON_PARSER_ERROR": (400, "The HTTP entity body is required, but this request has no entity body."),
    "LIMIT_EXCEEDED": (400, "limit exceeded"),
    "MALFORMED_ID": (400, "{0}: id value of incorrect type: {1}"),
    "MALFORMED_QUERY": (400, "unexpected token: '{0}'"),
    "MALFORMED_SEARCH": (400, "No search term found. The search term must be enclosed in braces."),
    "METHOD_NOT_ALLOWED": (405, "HTTP Method '{0}' not allowed. Allowed are {1}"),
    "MISSING_ARGUMENT": (400, "Id not specified in an update call"),
    "NOT_FOUND": (404, "The requested resource does not exist"),
    "NUMBER_OUTSIDE_VALID_RANGE": (400, "{0}: value outside of valid range on numeric field: {1}"),
    "OPERATION_TOO_LARGE": (400, "exceeded 100000 distinct who/what's"),
    "ORG_LOCKED": (403, "organization locked"),
    "PROCESSING_HALTED": (
        400,
        "The transaction was rolled back since another operation in the same transaction failed.",
    ),
    "QUERY_TIMEOUT": (400, "Your query request was running for too long."),
    "QUERY_TOO_COMPLICATED": (400, "Query is either selecting too many fields or the filter is too complicated."),
    "REQUEST_LIMIT_EXCEEDED": (403, LIMIT_TOTAL),
    "REQUEST_RUNNING_TOO_LONG": (400, "Your request was running for too long, and has been stopped."),
    "REQUIRED_FIELD_MISSING": (400, "Required fields are missing: [{0}]"),
    "SERVER_UNAVAILABLE": (503, "Server Unavailable"),
    "STORAGE_LIMIT_EXCEEDED": (400, "storage limit exceeded"),
    "STRING_TOO_LONG": (400, "{0}: data value too large: {1} (max length={2})"),
    "TOO_MANY_APEX_REQUESTS": (503, "Too many Apex requests have been sent"),
    "TRANSFER_REQUIRES_READ": (400, "The new owner must have read permission"),
    "TRIAL_EXPIRED": (403, "Trial expired"),
    "TXN_SECURITY_METERING_ERROR": (400, "A transaction security policy took too long"),
    "TXN_SECURITY_NO_ACCESS": (
        403,
        "The operation you requested isn't allowed due to a security policy in your organization."
        " Contact your administrator.",
    ),
    "TXN_SECURITY_RUNTIME_ERROR": (400, "A transaction security policy failed"),
    "UNABLE_TO_LOCK_ROW": (400, "unable to obtain exclusive access to this record or 1 records: {0}"),
    "UNKNOWN_EXCEPTION": (
        500,
        "An unexpected error occurred. Please include this ErrorId if you contact support:"
        " 1234567890-12345 (-1234567890)",
    ),
    "UNSUPPORTED_API_VERSION": (404, "The requested API version is not supported"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Content-Type header specified in HTTP request is not supported: {0}"),
    "URI_TOO_LONG": (414, "URI too long"),
}


class ApiError(Exception):
    """A refusal of the REST API.

    `message` is the whole text, or None for the catalogue's; `details` fill the catalogue text's braces.
    `fields` is None where the answer has no such key.
    """

    def __init__(
        self,
        code: str,
        *details: object,
        message: str | None = None,
        fields: tuple[str, ...] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code)
        known_status, text = CATALOG.get(code, (400, code))
        self.code = code
        self.status = status or known_status
        self.message = message if message is not None else fill(text, details)
        self.fields = fields

    def as_answer(self) -> dict[str, object]:
        """One entry of the error list that a failed call answers."""
        body: dict[str, object] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return body

    def as_row(self) -> dict[str, object]:
        """One entry of a collection row's `errors`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class OAuthError(Exception):
    """A refusal of the token, revoke or authorize endpoint: HTTP 400 with error and error_description."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


def fill(text: str, details: tuple[object, ...]) -> str:
    """Put details into a text's {0}, {1}; missing ones become empty."""
    for position in range(3):
        text = text.replace(f"{{{position}}}", str(details[position]) if position < len(details) else "")
    return text
