"""Lists of people in From, To, Cc (RFC 5322 §3.4): groups, comments, quoted names, and what programs make of them.

One pass from left to right without recursion; what cannot be read is left out.
"""

from integrations.mailbox.headers import decode_words
from integrations.mailbox.limits import PEOPLE, Unreadable

NAME_CHARACTERS = 200


def read_people(text: str) -> list[tuple[str, str]]:
    """(address, name) in their order. Addresses are as written; names decoded. Raises Unreadable over PEOPLE."""
    people: list[tuple[str, str]] = []
    for name, address, comment in _Scanner(text).entries():
        if not address and "@" in name and " " not in name.strip():
            name, address = "", name
        address = "".join(address.split())
        if "@" in address:
            label = decode_words(name or comment).strip(" '\"")
            people.append((address, "" if label == address else label[:NAME_CHARACTERS]))
        if len(people) > PEOPLE:
            raise Unreadable("too_many_people")
    return people


class _Scanner:
    """Splits a list at its commas and semicolons; gives (words outside, what stood in <>, first comment)."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def entries(self) -> list[tuple[str, str, str]]:
        found = []
        words, angle, comment = "", "", ""
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == '"':
                words += self._quoted()
            elif sign == "(":
                comment = self._comment() or comment
                words += " "
            elif sign == "<":
                angle = angle or self._until(">")
            elif sign in ",;":
                found.append((words.strip(), angle, comment))
                words, angle, comment = "", "", ""
            elif sign == ":" and "@" not in words:
                words = ""  # the name of a group; its members follow
            else:
                words += sign
        found.append((words.strip(), angle, comment))
        return [entry for entry in found if entry[0] or entry[1]]

    def _quoted(self) -> str:
        """A quoted string; one that is never closed ends with the list."""
        start, out = self.at, []
        while self.at < len(self.text):
            sign = self.text[self.at]
            self.at += 1
            if sign == '"':
                return "".join(out)
            if sign == "\\" and self.at < len(self.text):
                sign = self.text[self.at]
                self.at += 1
            out.append(sign)
        if "<" in self.text[start:]:  # a stray quotation mark: read on behind it
            self.at = start
            return ""
        return "".join(out)

    def _comment(self) -> str:
        depth, start = 1, self.at
        while self.at < len(self.text) and depth:
            sign = self.text[self.at]
            self.at += 2 if sign == "\\" else 1
            depth += (sign == "(") - (sign == ")")
        return self.text[start : self.at - 1].replace("\\", "").strip()

    def _until(self, end: str) -> str:
        """The address in angle brackets, without a route (@a,@b:x@y)."""
        found = self.text.find(end, self.at)
        found = len(self.text) if found < 0 else found
        inside = self.text[self.at : found]
        self.at = found + 1
        if inside.startswith("@") and ":" in inside:
            inside = inside.partition(":")[2]
        return inside.strip().removeprefix("mailto:")
