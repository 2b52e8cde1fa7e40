"""The API for mail clients, sequencers and scripts: `/api/v1/`, described by `/api/v1/openapi.json`."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from activity.api import activities, messages
from activity.api.problems import Problem
from activity.sources.api import ActivitiesIn
from activity.sources.tracking import MessagesIn

DESCRIPTION = """Report what happened with a team's mail and meetings; Touchline logs it to Salesforce.
Register messages before they are sent, and Touchline sees opens, clicks and downloads itself.

Send `Authorization: Bearer KEY` with a key of your workspace. Each item of a request has its own result; faults of a
whole request are problem documents (RFC 9457) and store nothing. The same id again is a `duplicate` of the first
report, so every request can be repeated safely after a lost answer."""


class Api(NinjaAPI):
    """Adds the request's schemas to the description: items are checked one by one, not by the framework."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The description, OpenAPI 3.1."""
        schema = super().get_openapi_schema(**options)
        for body in (ActivitiesIn, MessagesIn):
            described = body.model_json_schema(ref_template="#/components/schemas/{model}")
            schema["components"]["schemas"] |= {**described.pop("$defs"), body.__name__: described}
        schema["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        schema["security"] = [{"key": []}]
        return schema


api = Api(
    title="Touchline API",
    version="1",
    description=DESCRIPTION,
    docs_url=None,
    openapi_url="/openapi.json",
    urls_namespace="api",
)
api.add_router("", activities.router)
api.add_router("", messages.router)


@api.exception_handler(Problem)
def tell_problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The answer to a fault of the whole request."""
    return problem.response()
