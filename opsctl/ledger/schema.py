"""The ledger's tables. The migrations build them; a test compares both on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata = MetaData(naming_convention={
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "pk": "%(table_name)s_pkey",
})

# `id` is the order of arrival over all chains, for reading only; evidence is ordered by `sequence`.
# Text, not JSON or timestamps: the database must give back the very bytes that were hashed.
entry = Table(
    "ledger_entry", metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("chain", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("previous", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("chain", "sequence"),
    Index(None, "chain", "kind", "sequence"),
    Index(None, "recorded_at"),
    Index(None, "kind", "recorded_at"),
    Index(None, "run"),
)

head = Table(
    "ledger_head", metadata,
    Column("chain", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

# A projection of the entries, see `opsctl.ledger.latest`; in the order of its key, so that a topic is one stretch.
latest = Table(
    "ledger_latest", metadata,
    Column("topic", Text, primary_key=True),
    Column("chain", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("recorded_at", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index(None, "chain"),
    sqlite_with_rowid=False,
)

# Times in milliseconds since 1970 by the database's clock. A row stays when its lease ends: the fence
# must grow for ever. `owner` is null while nobody holds the lease.
lease = Table(
    "ledger_lease", metadata,
    Column("name", Text, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("owner", Text),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
)

# `salt` and `text` are null once erased: with the salt gone, the reference cannot be guessed from the text.
personal = Table(
    "ledger_personal", metadata,
    Column("reference", Text, primary_key=True),
    Column("chain", Text, nullable=False),
    Column("salt", Text),
    Column("text", Text),
    Column("recorded_at", Text, nullable=False),
    Column("erased_at", Text),
)

# Where the entries about one thing stand in their chain (a JSON list of sequences), and how it ranks in a list.
# Made from the entries in the transaction that appends them; it can be made anew at any time.
subject = Table(
    "ledger_subject", metadata,
    Column("room", Text, primary_key=True),
    Column("chain", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("rank", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("entries", Text, nullable=False),
    Index(None, "room", "rank"),
)
