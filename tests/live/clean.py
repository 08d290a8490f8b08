# SPDX-License-Identifier: Apache-2.0
"""clean.py text|json FILE...: nothing in them that a terminal would obey, and nothing that is no UTF-8; JSON parses, names included."""
import json
import sys


def obeyed(text):
    """Control characters but line ends, and those that only reorder what is read."""
    return [c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)


def main(kind, paths):
    for path in paths:
        text = open(path, "rb").read().decode("utf-8")
        assert text, path + " is empty"
        assert not obeyed(text), (path, obeyed(text))
        if kind != "json":
            continue
        for line in text.splitlines():
            for name in strings(json.loads(line)):
                assert not obeyed(name) and "\n" not in name, (path, name)


main(sys.argv[1], sys.argv[2:])
