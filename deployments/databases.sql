-- Purpose: the roles and databases of a Postgres that serves the lake's catalog and Prefect's server.
-- Run once, by psql as a superuser; the passwords come from the environment:
--   DEEPDLT_LAKE_PASSWORD=... DEEPDLT_PREFECT_PASSWORD=... psql --username postgres --file deployments/databases.sql
\set ON_ERROR_STOP on
\getenv lake_password DEEPDLT_LAKE_PASSWORD
\getenv prefect_password DEEPDLT_PREFECT_PASSWORD
CREATE ROLE deepdlt LOGIN PASSWORD :'lake_password';
CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE DATABASE lake OWNER deepdlt;
CREATE DATABASE prefect OWNER prefect;
-- Neither looks into the other's.
REVOKE CONNECT ON DATABASE lake, prefect FROM PUBLIC;
\connect prefect
CREATE EXTENSION pg_trgm;
