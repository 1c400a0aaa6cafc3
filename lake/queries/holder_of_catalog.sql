-- Purpose: who holds the writer lock. Run by Postgres itself, on a catalog that is there.
-- Grain: the one session that holds the advisory lock (its key in two halves).
SELECT session.application_name, to_char(session.state_change AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
FROM pg_locks held
JOIN pg_stat_activity session ON session.pid = held.pid
WHERE held.locktype = 'advisory'
  AND held.granted
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND held.classid = $1::BIGINT::OID
  AND held.objid = $2::BIGINT::OID
