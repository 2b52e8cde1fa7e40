"""What the templates of the design system need beside includes: built in, so no {% load %} is needed."""

import json
import re

from django import template
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JsonLexer

register = template.Library()


@register.filter
def initials(who: object) -> str:
    """One or two letters for an avatar: "Ada Lovelace" -> "AL", "ben@acme.test" -> "B"."""
    words = re.findall(r"\w+", str(who).partition("@")[0])
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


@register.filter
def pretty_json(value: object) -> str:
    """JSON text, or a value, indented for reading; text that is no JSON comes back as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def highlight_json(text: str) -> SafeString:
    """Escaped spans with the class names of Pygments around the parts of a JSON text."""
    return mark_safe(highlight(text, JsonLexer(), HtmlFormatter(nowrap=True)))  # noqa: S308 - Pygments escapes


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """What a person would call it: "Firefox on Windows". Browsers name each other, so the first in the list wins."""
    browser = next((name for sign, name in BROWSERS if f"{sign}/" in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return " on ".join(filter(None, (browser, system))) or "Unknown browser"
