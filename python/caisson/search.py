"""Finds tools by words."""

import re
from collections import Counter
from math import log10

from caisson.values import to_json

# `readFile` and `read_file` have two words.
WORD = re.compile(r"[A-Z]?[a-z\u0080-\U0010ffff]+|[A-Z]+(?![a-z\u0080-\U0010ffff])|[A-Z]|[0-9]+")
MOST = 10


def words(text):
    return [word.lower() for word in WORD.findall(text)]


def matches(word, wanted):
    """Words that differ only in how they end count as the same: it is by its beginning that a word is found."""
    return word == wanted or (len(wanted) > 2 and word.startswith(wanted))


def search(listed, text, most=MOST, /):
    """The tools that have the most, and the rarest, of the words; the best first."""
    wanted = words(text)
    weights = [weigh(one["server"], one["tool"], wanted) for one in listed]
    tools_with = Counter(word for has in weights for word in has)
    scored = []
    for at, has in enumerate(weights):
        score = sum(weight * log10(1 + len(listed) / tools_with[word]) for word, weight in has.items())
        if score > 0 or not wanted:
            scored.append((-score, at))
    found = []
    for _, at in sorted(scored)[:most]:
        tool = listed[at]["tool"]
        found.append(
            {"server": listed[at]["server"], "name": tool["name"], "description": tool.get("description", "")}
        )
    return found


def weigh(server, tool, wanted):
    """How much of each word a tool has: a name says more than a description, and that more than a schema."""
    weights = Counter()
    parts = [
        (f"{server} {tool['name']}", 4),
        (tool.get("description") or "", 2),
        (to_json(tool.get("inputSchema")), 1),
    ]
    for text, weight in parts:
        there = words(text)
        for word in wanted:
            n = sum(matches(one, word) for one in there)
            # The second time that a word is there says little.
            if n:
                weights[word] += weight * (1 + log10(n))
    return weights
