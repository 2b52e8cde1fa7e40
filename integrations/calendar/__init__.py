"""The calendar protocols, without Django: iCalendar and iTIP (RFC 5545, RFC 5546), CalDAV (RFC 4791)."""
