#!/bin/sh
# Prepares a new primary: the role and the schema of Fanfare, as docs/postgres.md says, and what the standby needs. The image runs it once.
set -eu

psql --set ON_ERROR_STOP=1 --set password="$DATABASE_PASSWORD" --set standby="$STANDBY_PASSWORD" --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
CREATE ROLE fanfare LOGIN PASSWORD :'password';
CREATE DATABASE fanfare ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE fanfare FROM PUBLIC;
GRANT CONNECT ON DATABASE fanfare TO fanfare;
\connect fanfare
CREATE SCHEMA fanfare AUTHORIZATION fanfare;
ALTER ROLE fanfare IN DATABASE fanfare SET search_path = fanfare;
CREATE ROLE standby LOGIN REPLICATION PASSWORD :'standby';
-- Keeps what the standby has not read while it is away, up to this size.
SELECT pg_create_physical_replication_slot('standby');
ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';
-- From the next start on: nothing could be committed before the standby is there.
ALTER SYSTEM SET synchronous_standby_names = 'standby';
SQL
echo "host replication standby all scram-sha-256" >> "$PGDATA/pg_hba.conf"
