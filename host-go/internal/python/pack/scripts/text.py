import base64
import collections
import csv
import hashlib
import io
import itertools
import json
import re
import string
import textwrap
import urllib.parse

text = """The quick brown fox jumps over the lazy dog. Ein Text mit Umlauten: äöü, ß. 漢字 и кириллица, 👋.
Call 555-1234 or mail someone@example.com, 2026-01-02.""" * 20
words = re.findall(r"\w+", text)
counts = collections.Counter(word.lower() for word in words)
parts = {
    "common": counts.most_common(5),
    "dates": sorted(set(re.findall(r"(\d{4})-(\d\d)-(\d\d)", text))),
    "masked": re.sub(r"[\w.]+@[\w.]+", lambda m: "*" * len(m.group()), text)[-60:],
    "split": re.split(r"[,.;]\s*", text)[:3],
    "wrapped": textwrap.fill(text, 70).splitlines()[:2],
    "upper": text.upper()[:10], "title": text.title()[:10], "folded": "ß".casefold(),
    "template": string.Template("$a").substitute(a=1),
    "hash": hashlib.sha256(text.encode()).hexdigest(),
    "base64": base64.b64encode(b"bytes").decode(), "quoted": urllib.parse.quote("a b&c"),
    "url": urllib.parse.urlparse("https://example.com/a?b=1#c").query,
    "grouped": {k: len(list(g)) for k, g in itertools.groupby(sorted(words), key=lambda w: w[0])},
}
rows = list(csv.DictReader(io.StringIO("name,price\na,1.5\nb,2\n")))
out = io.StringIO()
writer = csv.DictWriter(out, fieldnames=["name", "price"])
writer.writeheader()
writer.writerows(rows)
parts["formatted"] = f"{3.14159:.2f} {1234567:,} {'left':<10}|{'right':>10}|{255:#x} {0.5:.0%} {text[:5]!r}"
parts["old"] = "%s %d %5.2f" % ("a", 1, 2.5) + "{} {name}".format(1, name="b")
parts["bytes"] = [*b"abc".hex()] + list("ü".encode("utf-16"))
parts["json"] = json.loads(json.dumps({"a": [1, 2.5, None, True, "ü", {"b": {}}]}))
print(*parts.items(), sep="\n")
parts
