"""Talking to the stand-in as an app does: real sockets, TLS checked against its own CA."""

from collections.abc import Mapping

import requests

from tests.stand_in_fixtures import TestedStandIn

SYNC, ADA, BEN = "sync@touchline.example", "ada@touchline.example", "ben@touchline.example"
VERSION = "/services/data/v62.0"


class Caller:
    """One Salesforce user's calls of the data API."""

    def __init__(self, stand_in: TestedStandIn, email: str) -> None:
        self.stand_in, self.email = stand_in, email
        self.tokens = stand_in.connect(email)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = stand_in.ca_bundle
        self.session.headers["Authorization"] = "Bearer " + self.tokens["access_token"]

    @property
    def user_id(self) -> str:
        return self.tokens["id"].rpartition("/")[2]

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        """Call a path below the version; a path that starts with /services stands as it is."""
        url = self.tokens["instance_url"] + (path if path.startswith("/services") else f"{VERSION}/{path}")
        return self.session.request(method, url, timeout=10, allow_redirects=False, **options)

    def get(self, path: str, **options: object) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: object, **options: object) -> requests.Response:
        return self.call("POST", path, json=body, **options)

    def query(self, soql: str, *, deleted: bool = False) -> dict:
        """Run a query that is expected to work."""
        answer = self.get("queryAll" if deleted else "query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, soql: str, *, deleted: bool = False) -> list[dict]:
        """The rows of a query, without their attributes."""
        return [without_attributes(row) for row in self.query(soql, deleted=deleted)["records"]]

    def create(self, object_name: str, **values: object) -> str:
        """Create a record that is expected to be accepted."""
        answer = self.post(f"sobjects/{object_name}", values)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def refused(self, object_name: str, **values: object) -> tuple[int, list]:
        """Create a record that is expected to be refused; returns status and errors."""
        answer = self.post(f"sobjects/{object_name}", values)
        return answer.status_code, answer.json()

    def create_many(self, *records: Mapping, all_or_none: bool = False) -> requests.Response:
        """Create records of a collection; "type" names the object."""
        listed = [{"attributes": {"type": each["type"]}, **without_type(each)} for each in records]
        return self.post("composite/sobjects", {"allOrNone": all_or_none, "records": listed})


def without_type(record: Mapping) -> dict:
    return {key: value for key, value in record.items() if key != "type"}


def without_attributes(row: object) -> object:
    if not isinstance(row, dict):
        return row
    return {key: without_attributes(value) for key, value in row.items() if key != "attributes"}


def error(code: str, message: str, *fields: str) -> list[dict]:
    """The error list of a refused call; with field names where there are any."""
    return [{"message": message, "errorCode": code, **({"fields": list(fields)} if fields else {})}]
