"""A text file that a program and people write together: the program owns marked blocks, people everything else.

A block carries a hash of what the program wrote. As long as the text agrees with it, the block is the program's and may be
updated. A block that a person has changed, or removed, is the person's from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from yori.store import sha256_bytes

_BLOCK = re.compile(
    r"<!-- yori:begin (?P<name>\S+) (?P<hash>[0-9a-f]{12}) -->\n(?P<text>.*?)<!-- yori:end -->\n", re.DOTALL
)
_WRITTEN = re.compile(r"<!-- yori:blocks(?P<names>[^>]*) -->\n")


@dataclass(frozen=True)
class Piece:
    """A stretch of the file: a block with its name, or text of people (``name`` is empty). ``own``: still the program's."""

    name: str
    text: str
    own: bool


@dataclass(frozen=True)
class Updated:
    """The new text, and the blocks written, kept because a person changed them, or left out because one removed them."""

    text: str
    written: tuple[str, ...]
    kept: tuple[str, ...]
    removed: tuple[str, ...]


def pieces(text: str) -> list[Piece]:
    """Cut a file into blocks and text of people, in order.

    Examples
    --------
    >>> [(each.name, each.own) for each in pieces(update_blocks("", {"cat": "meows\\n"}).text)]
    [('cat', True)]
    """
    found, at = [], 0
    text = _WRITTEN.sub("", text)
    for match in _BLOCK.finditer(text):
        if text[at : match.start()].strip():
            found.append(Piece("", text[at : match.start()], False))
        own = _hash(match["text"]) == match["hash"]
        found.append(Piece(unquote(match["name"]), match["text"], own))
        at = match.end()
    if text[at:].strip():
        found.append(Piece("", text[at:], False))
    return found


def update_blocks(text: str, blocks: Mapping[str, str], *, start: str = "", end: str = "") -> Updated:
    """Put new blocks into a file.

    Parameters
    ----------
    text
        The file as it is; ``""`` for a new one.
    blocks
        Name → text, in order. Blocks of the file that are not among them and still the program's are taken out.
    start, end
        What a new file has before and after the blocks.

    Examples
    --------
    >>> first = update_blocks("", {"cat": "meows\\n", "dog": "barks\\n"}, end="Ours.\\n").text
    >>> changed = first.replace("meows", "purrs").replace("Ours.", "Our own rule.")
    >>> second = update_blocks(changed, {"cat": "hisses\\n", "dog": "growls\\n"})
    >>> second.written, second.kept, "purrs" in second.text, "growls" in second.text, "Our own rule." in second.text
    (('dog',), ('cat',), True, True, True)
    """
    new = {name: each if each.endswith("\n") else each + "\n" for name, each in blocks.items()}
    here = {unquote(match["name"]): match for match in _BLOCK.finditer(text)}
    header = _WRITTEN.search(text)
    known = {unquote(name) for name in header["names"].split()} if header else set()
    removed = tuple(name for name in new if name in known and name not in here)
    kept = tuple(name for name, match in here.items() if _hash(match["text"]) != match["hash"])
    written = tuple(name for name in new if name not in kept and name not in removed)

    def replaced(match: re.Match[str]) -> str:
        name = unquote(match["name"])
        if name in kept:
            return match[0]
        return _block(name, new[name]) if name in new else ""

    body = _BLOCK.sub(replaced, _WRITTEN.sub("", text))
    fresh = "\n".join(_block(name, new[name]) for name in written if name not in here)
    if not text:
        body = start + ("\n" if start else "") + fresh + ("\n" if end else "") + end
    elif fresh:
        # After the last block, so that what people wrote at the end stays at the end.
        last = max((match.end() for match in _BLOCK.finditer(body)), default=len(body))
        body = body[:last] + ("" if body[:last].endswith("\n\n") else "\n") + fresh + body[last:]
    names = " ".join(quote(name, safe="") for name in dict.fromkeys([*here, *new, *sorted(known)]))
    return Updated(f"<!-- yori:blocks {names} -->\n" + body, written, kept, removed)


def _block(name: str, text: str) -> str:
    safe = text.replace("<!--", "<!‑‑")
    return f"<!-- yori:begin {quote(name, safe='')} {_hash(safe)} -->\n{safe}<!-- yori:end -->\n"


def _hash(text: str) -> str:
    return sha256_bytes(text.encode())[:12]
