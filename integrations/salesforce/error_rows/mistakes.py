"""API codes by which Salesforce says that our request itself is wrong or too large: never repeated as it
stands.

Source of codes and meanings: Salesforce's REST and SOAP guides (core data types, status codes).
"""

from integrations.salesforce.error_classes import TOUCHLINE_ADMIN, ErrorRow, OurMistake

_TOO_LARGE = "Salesforce found a query of Touchline too large for this org. Please report the code."

ROWS = (
    ErrorRow("api", "INVALID_AUTH_HEADER", OurMistake, "Authorization header malformed"),
    ErrorRow("api", "INVALID_FIELD", OurMistake, "Field cannot be filtered", pattern=r"can ?not be filtered"),
    ErrorRow(
        "api",
        "INVALID_FIELD",
        OurMistake,
        "Id in the body",
        pattern=r"Id field should not be "
        r"specified",
    ),
    ErrorRow("api", "NOT_FOUND", OurMistake, "Unknown external id field", pattern=r"external ID field"),
    ErrorRow("api", "MALFORMED_QUERY", OurMistake, "Query malformed"),
    ErrorRow("api", "INVALID_QUERY_FILTER_OPERATOR", OurMistake, "Filter malformed"),
    ErrorRow("api", "INVALID_ID_FIELD", OurMistake, "Filter holds something that is no id"),
    ErrorRow("api", "MALFORMED_SEARCH", OurMistake, "Search malformed"),
    ErrorRow("api", "OPERATION_TOO_LARGE", OurMistake, "Query covers too many records", user_message=_TOO_LARGE),
    ErrorRow("api", "QUERY_TOO_COMPLICATED", OurMistake, "Query too complicated", user_message=_TOO_LARGE),
    ErrorRow("api", "INVALID_QUERY_LOCATOR", OurMistake, "Query page expired"),
    ErrorRow("api", "EXCEEDED_ID_LIMIT", OurMistake, "Window covers too many ids", user_message=_TOO_LARGE),
    ErrorRow("api", "INVALID_REPLICATION_DATE", OurMistake, "Window out of range"),
    ErrorRow("api", "INVALID_INPUT", OurMistake, "Body malformed"),
    ErrorRow("api", "MISSING_ARGUMENT", OurMistake, "Part of the request missing"),
    ErrorRow("api", "URI_TOO_LONG", OurMistake, "Address over 16 KB"),
    ErrorRow("api", "EXCEEDED_MAX_SIZE_REQUEST", OurMistake, "Request over 50 MB"),
    ErrorRow("api", "STRING_TOO_LONG", OurMistake, "Text too long"),
    ErrorRow("api", "NUMBER_OUTSIDE_VALID_RANGE", OurMistake, "Number out of range"),
    ErrorRow("api", "JSON_PARSER_ERROR", OurMistake, "Body malformed"),
    ErrorRow("api", "METHOD_NOT_ALLOWED", OurMistake, "Method not allowed"),
    ErrorRow("api", "UNSUPPORTED_MEDIA_TYPE", OurMistake, "Content type missing"),
    ErrorRow(
        "api",
        "UNSUPPORTED_API_VERSION",
        OurMistake,
        "API version unknown",
        user_message="Your Salesforce org does not know the API version that this Touchline uses. Update Touchline.",
        who=TOUCHLINE_ADMIN,
        where="docs/operations.md › Updating",
    ),
    ErrorRow(
        "api",
        "GONE",
        OurMistake,
        "API version retired",
        user_message="Salesforce has retired the API version that this Touchline uses. Update Touchline.",
        who=TOUCHLINE_ADMIN,
        where="docs/operations.md › Updating",
    ),
    ErrorRow("api", "IDEMPOTENCY_NOT_SUPPORTED", OurMistake, "Idempotency key not supported"),
    ErrorRow("api", "INVALID_IDEMPOTENCY_KEY", OurMistake, "Idempotency key malformed"),
)
