"""composite and composite/batch."""

from tests.integrations.salesforce.stand_in.caller import VERSION, Caller, error

HALTED = "The transaction was rolled back since another operation in the same transaction failed."


def part(name: str, method: str, path: str, **more: object) -> dict:
    return {"referenceId": name, "method": method, "url": f"{VERSION}/{path}", **more}


def run(caller: Caller, *parts: dict, all_or_none: bool = False) -> list[dict]:
    answer = caller.post("composite", {"allOrNone": all_or_none, "compositeRequest": parts})
    assert answer.status_code == 200, answer.text
    return answer.json()["compositeResponse"]


def test_parts_answer_in_order_and_count_as_one_call(ada: Caller) -> None:
    results = run(
        ada,
        part("people", "GET", "query/?q=select count() from Contact"),
        part("nothing", "GET", "query/?q=select count() from XYZZY"),
        part("foo", "GET", "sobjects/Foo"),
        part("task", "POST", "sobjects/Task", body={"Subject": "x"}),
    )

    task = ada.stand_in.org.rows("Task")[0]["Id"]
    assert results[0] == {
        "body": {"totalSize": 12, "done": True, "records": []},
        "httpHeaders": {},
        "httpStatusCode": 200,
        "referenceId": "people",
    }
    assert (results[1]["httpStatusCode"], results[1]["body"][0]["errorCode"]) == (400, "INVALID_TYPE")
    assert results[2]["body"] == error("NOT_FOUND", "The requested resource does not exist")
    assert results[3] == {
        "body": {"id": task, "success": True, "errors": []},
        "httpHeaders": {"Location": f"{VERSION}/sobjects/Task/{task}"},
        "httpStatusCode": 201,
        "referenceId": "task",
    }
    assert ada.stand_in.org.usage.calls == {"composite": 1}


def test_later_parts_use_earlier_answers(ada: Caller) -> None:
    results = run(
        ada,
        part("a", "POST", "sobjects/Account", body={"Name": 'Quote " Ltd'}),
        part("c", "POST", "sobjects/Contact", body={"LastName": "X", "AccountId": "@{a.id}"}),
        part("q", "GET", "query?q=SELECT Id, Account.Name FROM Contact WHERE Id = '@{c.id}'"),
        part(
            "t",
            "POST",
            "sobjects/Task",
            body={"WhoId": "@{q.records[0].Id}", "Subject": "@{q.records[0].Account.Name}"},
        ),
        part("d", "DELETE", "sobjects/Task/@{t.id}"),
        part("z", "GET", "sobjects/Task/@{nowhere.id}"),
    )

    assert [each["httpStatusCode"] for each in results] == [201, 201, 200, 201, 204, 400]
    assert results[4]["body"] is None
    assert results[5]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    [task] = ada.stand_in.org.rows("Task", deleted=True)
    assert (task["Subject"], task["WhoId"]) == ('Quote " Ltd', results[1]["body"]["id"])


def test_all_or_none(ada: Caller) -> None:
    results = run(
        ada,
        part("a", "POST", "sobjects/Task", body={"Subject": "x"}),
        part("b", "POST", "sobjects/Task", body={"Foo": "x"}),
        part("c", "POST", "sobjects/Task", body={"Subject": "y"}),
        all_or_none=True,
    )

    assert [each["body"][0]["errorCode"] for each in results] == [
        "PROCESSING_HALTED",
        "INVALID_FIELD",
        "PROCESSING_HALTED",
    ]
    assert results[0]["body"] == error("PROCESSING_HALTED", HALTED)
    assert ada.rows("SELECT Id FROM Task", deleted=True) == []


def test_limits_of_a_composite_call(ada: Caller) -> None:
    many = [part(f"r{number}", "GET", "limits") for number in range(26)]
    queries = [part(f"q{number}", "GET", "query?q=SELECT Id FROM Task") for number in range(6)]
    twice = [part("same", "GET", "limits")] * 2

    assert len(run(ada, *many[:25])) == 25
    assert len(run(ada, *queries[:5])) == 5
    for parts in (many, queries, twice, [{"method": "GET"}], ["x"]):
        assert ada.post("composite", {"compositeRequest": parts}).status_code == 400
    assert ada.post("composite", {}).status_code == 400


def test_a_collection_inside(ada: Caller) -> None:
    records = [{"attributes": {"type": "Task"}, "Subject": name} for name in "ab"]
    [result] = run(ada, part("many", "POST", "composite/sobjects", body={"records": records}))

    assert [row["success"] for row in result["body"]] == [True, True]


def test_limits_of_collections_inside(ada: Caller) -> None:
    records = [{"attributes": {"type": "Task"}, "Subject": "x"}] * 200
    parts = [part(f"p{number}", "POST", "composite/sobjects", body={"records": records}) for number in range(6)]
    too_long = part("long", "POST", "composite/sobjects", body={"records": [*records, records[0]]})
    query = part("q", "GET", "query?q=SELECT Id FROM Task")

    refused = (
        ada.post("composite", {"compositeRequest": parts}),
        ada.post("composite", {"compositeRequest": [*parts[:5], query]}),
    )
    assert [(each.status_code, each.json()[0]["errorCode"]) for each in refused] == [(400, "LIMIT_EXCEEDED")] * 2
    assert ada.stand_in.org.rows("Task") == []
    results = run(ada, *parts[:4], too_long)
    assert [len(each["body"]) for each in results[:4]] == [200] * 4
    assert (results[4]["httpStatusCode"], results[4]["body"][0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert len(ada.stand_in.org.rows("Task")) == 800


def test_conditional_parts_answer_304(ada: Caller) -> None:
    tag = ada.get("sobjects/Task/describe").headers["ETag"]
    [result] = run(ada, part("d", "GET", "sobjects/Task/describe", httpHeaders={"If-None-Match": tag}))

    assert (result["httpStatusCode"], result["body"], result["httpHeaders"]["ETag"]) == (304, None, tag)


def test_urls_stay_inside_the_api(ada: Caller) -> None:
    results = run(ada, {"referenceId": "x", "method": "GET", "url": "https://evil.example/services/data/v62.0/limits"},
                  {"referenceId": "y", "method": "GET", "url": "/services/oauth2/userinfo"})  # fmt: skip

    assert [each["httpStatusCode"] for each in results] == [404, 404]


def test_batches_count_each_part(ada: Caller) -> None:
    answer = ada.post(
        "composite/batch",
        {
            "batchRequests": [
                {"method": "GET", "url": "v62.0/query?q=SELECT COUNT() FROM Lead"},
                {"method": "POST", "url": "v62.0/sobjects/Task", "richInput": {"Foo": 1}},
            ]
        },
    )

    assert answer.json() == {
        "hasErrors": True,
        "results": [
            {"statusCode": 200, "result": {"totalSize": 5, "done": True, "records": []}},
            {"statusCode": 400, "result": error("INVALID_FIELD", "No such column 'Foo' on sobject of type Task")},
        ],
    }
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=2/100000"
