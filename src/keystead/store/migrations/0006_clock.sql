-- What time it was last, and how long irreversible work still waits (keystead.server.clock).

CREATE TABLE server_clock (
    id           INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    mark_us      INTEGER NOT NULL, -- the newest time that was ever seen; microseconds since the epoch
    hold_seconds INTEGER NOT NULL,
    row_version  INTEGER NOT NULL,
    mac          BLOB NOT NULL
) STRICT;
