"""A few days of the demo team's conversations, as reports for the API. Times count back from now."""

from datetime import datetime, timedelta
from typing import Any

from activity.demo.team import ADA, BEN

NORA = "nora.west@northwindtraders.example"
PETER = "peter.gibson@initech.example"
TONY = "tony.sparks@starksolar.example"
ALICE = "alice.marsh@umbrellahealth.example"
LENA = "lena@polarfoods.example"
STRANGER = "sasha@unknown-prospect.example"
NAMES = {ADA: "Ada Lovelace", BEN: "Ben Franklin", NORA: "Nora West", PETER: "Peter Gibson", TONY: "Tony Sparks"}


def reports(now: datetime) -> list[dict[str, Any]]:
    """The reports, oldest first. `now` is aware."""

    def ago(**span: float) -> str:
        return (now - timedelta(**span)).isoformat()

    fleet = _mail("fleet-1", "Proposal for the fleet renewal", BEN, [NORA], "Hello Nora,\nhere is our proposal.")
    answer = _mail(
        "fleet-2", "Re: Proposal for the fleet renewal", NORA, [BEN], "Thank you, it looks good!", "fleet-1"
    )
    suite = _mail("suite-1", "Your questions about the reporting suite", BEN, [PETER], "Hi Peter,\nyes, it can.")
    return [
        _item("sent", BEN, ago(days=3, hours=4), message=fleet),
        _item("opened", BEN, ago(days=3, hours=3), message={"message_id": fleet["message_id"]}, recipient=NORA),
        _item("received", BEN, ago(days=2, hours=6), message=answer),
        _item("sent", BEN, ago(days=2, hours=1), message=suite),
        _item(
            "clicked",
            BEN,
            ago(days=1, hours=22),
            message={"message_id": suite["message_id"]},
            recipient=PETER,
            url="https://touchline.example/pricing",
        ),
        _item("meeting_confirmed", BEN, ago(days=1, hours=5), meeting=_meeting(now + timedelta(days=4))),
        _item("sent", BEN, ago(hours=26), message=_mail("roof-1", "Rooftop sensors: next steps 🌤", BEN, [TONY])),
        _item("sent", BEN, ago(hours=9), message=_mail("lead-1", "Nice to meet you at the fair", BEN, [LENA])),
        _item("sent", BEN, ago(hours=7), message=_mail("new-1", "An introduction", BEN, [STRANGER])),
        _item("sent", BEN, ago(hours=5), message=_mail("in-1", "Lunch?", BEN, [ADA])),
        _item(
            "sent",
            BEN,
            ago(hours=3),
            message=_mail("phone-1", "On my way", BEN, [PETER]) | {"via_touchline": False},
        ),
        _item("sent", ADA, ago(hours=2), message=_mail("ward-1", "Ward tablets: the offer", ADA, [ALICE])),
        _item("bounced", BEN, ago(hours=1), message=_mail("new-2", "A second try", BEN, ["old@initech.example"])),
    ]


def _item(kind: str, user: str, occurred_at: str, **content: Any) -> dict[str, Any]:
    place = content.get("message", {}).get("message_id") or content["meeting"]["uid"]
    return {"id": f"demo-{kind}-{place}", "type": kind, "user": user, "occurred_at": occurred_at, **content}


def _mail(
    name: str, subject: str, sender: str, to: list[str], text: str = "Best regards", answers: str = ""
) -> dict[str, Any]:
    mail = {
        "message_id": f"<{name}@demo.touchline.example>",
        "subject": subject,
        "from": _person(sender),
        "to": [_person(address) for address in to],
        "text": text,
        "via_touchline": True,
    }
    return mail | ({"in_reply_to": f"<{answers}@demo.touchline.example>"} if answers else {})


def _person(address: str) -> dict[str, str]:
    return {"email": address, "name": NAMES.get(address, "")}


def _meeting(start: datetime) -> dict[str, Any]:
    start = start.replace(hour=14, minute=0, second=0, microsecond=0)
    return {
        "uid": "kick-off@demo.touchline.example",
        "title": "Kick-off fleet renewal",
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=45)).isoformat(),
        "location": "Northwind, room 4",
        "organizer": {"email": BEN},
        "attendees": [{"email": NORA, "status": "accepted"}],
    }
