"""Words that mean the same in one shop: `synonyms.txt` in its folder.

One group a line, parted by commas: `розетка, штепсельная розетка, outlet`. Who asks for one finds
the others, too. A line that starts with # is a remark.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from vitrina.words import Kind, Token, normalise, stem, telling, tokens

LONGEST_PHRASE = 6
"""Words of one phrase."""
LARGEST_GROUP = 30
"""Phrases that mean the same: a search looks for all of them."""
LARGEST_FILE = 1_000_000
"""Bytes that are read of the file at most."""

Phrase = tuple[Token, ...]
Key = tuple[str, ...]

logger = logging.getLogger("vitrina.search")


@dataclass(frozen=True)
class Synonyms:
    """The groups of one file.

    Attributes:
        groups: All phrases of a group by the key of each of them.
        faults: What could not be understood, with its line.
    """

    groups: Mapping[Key, tuple[Phrase, ...]] = field(default_factory=dict)
    faults: Sequence[str] = ()

    @cached_property
    def words(self) -> set[str]:
        """Every word of the file: none of them is a slip."""
        return {
            token.text
            for phrases in self.groups.values()
            for phrase in phrases
            for token in phrase
            if token.kind is Kind.WORD
        }


def key_of(phrase: Sequence[Token]) -> Key:
    """What forms of one phrase have in common."""
    return tuple(stem(one.text) if one.kind is Kind.WORD else one.text for one in phrase)


def read_synonyms(content: str) -> Synonyms:
    """The groups of a file's text; a line that makes no sense is left out and named."""
    groups: dict[Key, tuple[Phrase, ...]] = {}
    faults = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        phrases = [
            tuple(telling(tokens(normalise(part)))) for part in line.split(",") if part.strip()
        ]
        if len({key_of(phrase) for phrase in phrases}) < 2:
            faults.append(f"line {number}: expected two phrases or more, parted by commas")
        elif not all(0 < len(phrase) <= LONGEST_PHRASE for phrase in phrases):
            faults.append(f"line {number}: a phrase has 1 to {LONGEST_PHRASE} words")
        elif len(phrases) > LARGEST_GROUP:
            faults.append(f"line {number}: a group has at most {LARGEST_GROUP} phrases")
        else:
            for phrase in phrases:
                # a phrase of several groups means what each of them means
                known = dict.fromkeys((*groups.get(key_of(phrase), ()), *phrases))
                groups[key_of(phrase)] = tuple(known)[:LARGEST_GROUP]
    return Synonyms(groups, tuple(faults))


class SynonymsFile:
    """The file as it is now: read anew when it changed. May be used from several threads.

    Args:
        path: Need not exist.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._read = Synonyms()
        self._lock = threading.Lock()

    def current(self) -> Synonyms:
        """What it says now; what is wrong with it is logged once."""
        if self._path is None:
            return self._read
        with self._lock:
            try:
                found = self._path.stat()
                stamp = (found.st_mtime_ns, found.st_size)
            except OSError:
                stamp = None  # there is none: the usual case
            if stamp != self._stamp:
                self._stamp = stamp
                self._read = Synonyms() if stamp is None else _read_file(self._path)
                for fault in self._read.faults:
                    logger.warning("%s, %s; it is left out.", self._path.name, fault)
            return self._read


def _read_file(path: Path) -> Synonyms:
    try:
        if path.stat().st_size > LARGEST_FILE:
            return Synonyms(faults=(f"larger than {LARGEST_FILE // 1000} kB",))
        return read_synonyms(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return Synonyms(faults=(f"no UTF-8 at byte {error.start}",))
    except OSError as error:
        return Synonyms(faults=(f"it cannot be read: {error.strerror}",))
