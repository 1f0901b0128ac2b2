"""Which ids have come before, in bounded memory: a table that moves to a temporary file as it grows."""

from __future__ import annotations

import sqlite3

from codedpo_plugin.errors import InputError


class Seen:
    """The ids of a file, each with the line it first came on."""

    def __init__(self) -> None:
        self._table: sqlite3.Connection | None = None

    def add(self, name: str, line: int) -> int | None:
        """Note an id; return the line of an earlier one that is the same, or None.

        Raises InputError where there is no room for the temporary file.
        """
        try:
            return self._noted(name.encode("utf-8", "surrogatepass"), line)
        except sqlite3.Error as error:
            raise InputError(
                f"the ids of problems cannot be kept in a temporary file: {error}. Set SQLITE_TMPDIR to a folder "
                "with room, and start again: what was finished before is kept."
            ) from error

    def _noted(self, key: bytes, line: int) -> int | None:
        table = self._opened()
        if table.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, line)).rowcount:
            return None
        (former,) = table.execute("SELECT line FROM seen WHERE name = ?", (key,)).fetchone()
        return int(former)

    def close(self) -> None:
        """Forget them."""
        if self._table is not None:
            self._table.close()
            self._table = None

    def _opened(self) -> sqlite3.Connection:
        """Return the table. SQLite keeps one without a name in its cache, of 2 MB, and what is more on disk."""
        if self._table is None:
            self._table = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            self._table.execute("PRAGMA journal_mode = OFF")
            self._table.execute("CREATE TABLE seen (name BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID")
            self._table.execute("BEGIN")
        return self._table
