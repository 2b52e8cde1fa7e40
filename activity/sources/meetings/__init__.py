"""Meetings, from invitations and answers in the mail and from calendars: one Event for the life of each.

| module | what |
|---|---|
| knowledge | what is known of a meeting: who said what, the newest of each; pure |
| learning | how that grows with what is read, and who is believed; pure |
| decision | what is to stand in Salesforce because of it; pure |
| reports | what of that is news; pure |
| taking | the database: takes what was read, keeps what is known, hands the news to capture |
"""

from activity.sources.meetings.taking import take_meetings

__all__ = ["take_meetings"]
