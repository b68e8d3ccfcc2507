"""What a curious guest runs: it looks for words in all that it can read, its own memory included.

The words arrive reversed, so that neither the source nor the list of them is what is found. Returns, for each word that is
somewhere, the places. Standard library only, any Python from 3.10; `SEARCH` defines `search(reversed_words, own_words)`.
"""

from __future__ import annotations

from typing import Final

SEARCH: Final = r'''
import os, re

def readable_files():
    """Files of /proc that say something of this process, of the first one, of the machine; and the open descriptors."""
    for top in ("/proc", "/proc/self", "/proc/self/net", "/proc/self/task/%d" % os.getpid(), "/proc/1", "/proc/1/net",
                "/proc/sysvipc", "/proc/fs", "/proc/driver", "/etc", "/tmp"):
        try: names = os.listdir(top)
        except OSError: continue
        for name in names:
            path = top + "/" + name
            if name not in ("mem", "pagemap", "kmsg", "kcore") and os.path.isfile(path) and not os.path.islink(path):
                yield path

def links():
    for top in ("/proc/self", "/proc/self/fd", "/proc/self/ns", "/proc/self/map_files", "/proc/1", "/proc/1/fd"):
        try: names = os.listdir(top)
        except OSError: continue
        for name in names:
            try: yield top + "/" + name, os.readlink(top + "/" + name).encode()
            except OSError: pass

def memory():
    with open("/proc/self/mem", "rb", 0) as file:
        for line in open("/proc/self/maps"):
            where, rights, *rest = line.split()
            if rights[0] != "r" or "[v" in line: continue
            start, end = (int(edge, 16) for edge in where.split("-"))
            file.seek(start)
            try: yield "memory " + (rest[3] if len(rest) > 3 else "anonymous"), file.read(end - start)
            except OSError: pass

def texts():
    yield from memory()
    yield from links()
    yield "/tmp", "\n".join(os.listdir("/tmp")).encode()
    for path in readable_files():
        try: descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError: continue
        try: yield path, os.read(descriptor, 1 << 20)
        except OSError: pass
        finally: os.close(descriptor)

def search(reversed_words):
    """{word, still reversed: [place]}"""
    needles = {word: re.compile(b"".join(b"[" + word[i - 1].encode() + b"]" for i in range(len(word), 0, -1)))
               for word in reversed_words}
    found = {}
    for place, text in texts():
        for word, needle in needles.items():
            if needle.search(text): found.setdefault(word, []).append(place)
    return found
'''
