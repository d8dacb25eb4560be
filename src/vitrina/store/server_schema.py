"""`server.db`: what a running server writes.

A file of its own beside the catalogue's: an import holds the catalogue for as long as it takes,
and what serves a shop can only read it (`store.reading`). A photo's answer waits for neither.

In plain SQL, for a server does without SQLAlchemy. A change here needs a migration in
`server_migrations/versions`; a test compares the two.
"""

from __future__ import annotations

SERVER_REVISION = "0001"
"""The migration that this schema belongs to."""

TABLES = """
CREATE TABLE queries (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    asked INTEGER NOT NULL,
    search VARCHAR(5) NOT NULL,
    bundle VARCHAR(200),
    decision VARCHAR(20) NOT NULL,
    category VARCHAR(200),
    confidence FLOAT,
    milliseconds FLOAT NOT NULL,
    visitor VARCHAR(32),
    experiment VARCHAR(32),
    assigned VARCHAR(200),
    infer_ms FLOAT
);
CREATE INDEX ix_queries_experiment ON queries (experiment, assigned, visitor)
    WHERE experiment IS NOT NULL;
CREATE INDEX ix_queries_asked
    ON queries (asked, search, decision, category, milliseconds, visitor);
CREATE TABLE events (
    query_id VARCHAR(32) NOT NULL REFERENCES queries (id),
    id VARCHAR(64) NOT NULL,
    asked INTEGER NOT NULL,
    received INTEGER NOT NULL,
    search VARCHAR(5) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    category VARCHAR(200),
    sku VARCHAR(200),
    position INTEGER,
    value_minor INTEGER,
    currency VARCHAR(3),
    PRIMARY KEY (query_id, id)
);
CREATE INDEX ix_events_asked
    ON events (asked, search, kind, query_id, value_minor, currency);
CREATE TABLE reviews (
    query_id VARCHAR(32) NOT NULL PRIMARY KEY,
    asked INTEGER NOT NULL,
    reason VARCHAR(20) NOT NULL,
    guesses VARCHAR(2000) NOT NULL,
    chosen VARCHAR(200),
    verdict VARCHAR(20),
    category VARCHAR(200),
    decided INTEGER,
    who VARCHAR(40)
);
CREATE INDEX ix_reviews_asked ON reviews (verdict, asked);
CREATE TABLE admins (
    name VARCHAR(40) NOT NULL PRIMARY KEY,
    password_hash VARCHAR(200) NOT NULL,
    changed INTEGER NOT NULL
);
CREATE TABLE sessions (
    token_hash VARCHAR(64) NOT NULL PRIMARY KEY,
    name VARCHAR(40) NOT NULL REFERENCES admins (name) ON DELETE CASCADE,
    began INTEGER NOT NULL,
    seen INTEGER NOT NULL
);
CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    who VARCHAR(40) NOT NULL,
    what VARCHAR(40) NOT NULL,
    detail VARCHAR(1000) NOT NULL
);
CREATE INDEX ix_audit_what ON audit (what)
"""
"""Moments are milliseconds since 1970, UTC. The indexes hold all that figures are made of.

queries: photos and words that were answered; what was said of them, nothing of what they were.
    id: `query_id` of the answer, 32 hexadecimal digits that nobody can guess.
    search: "photo" or "text".
    bundle: version that answered; null for words.
    decision: "category", "unsure" or "unknown" of a photo, "found" or "nothing" of words.
    category: slug of the likeliest category; null where the answer names none.
    confidence: of that category, from 0 to 1.
    milliseconds: from the photo's last byte, or the words, to the answer.
    visitor: who sent the photo or the first event, hashed; null where neither named anybody.
    experiment: that the visitor takes part in; null outside of any.
    assigned: version whose turn it was in the experiment; not `bundle` where that one failed.
    infer_ms: milliseconds of the network alone; null where they were not kept.
events: what shoppers did with an answer.
    id: that the page gave the event; the same one twice within a query is one event.
    asked, search: of the query.
    kind: "chip", "click", "cart", "order" or "wrong".
    category: slug of the chip, or of what a shopper says it is.
    sku: of the product.
    position: of the product among the shown ones, from 1.
    value_minor: of an order or a cart, in hundredths of the currency.
    currency: ISO 4217.
reviews: photos that are kept for the merchant to look at, in `review/<query_id>.jpg`.
    reason: "unsure", "unknown", "chip" or "wrong": why there is doubt.
    guesses: JSON, the likeliest categories as [slug, confidence], the likeliest first.
    chosen: slug of the category that the shopper chose; null where none was.
    verdict: of the merchant: "category", "not_sold" or "unclear"; null until there is one.
    category: slug, of the verdict "category".
    who: gave the verdict.
admins: who may sign in to the merchant's screens.
    password_hash: of Argon2id, with its salt and parameters.
sessions: who is signed in now.
    token_hash: SHA-256 of what the browser holds: who reads this file is not signed in by it.
    seen: when it was used last, to the minute.
audit: what was done on the merchant's screens.
    who: name that was signed in, or that was tried.
    what: one of the words of `vitrina.admin.audit`.
    detail: what it was done to, before and after.
"""
