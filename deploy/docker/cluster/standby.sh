#!/bin/sh
# Starts the standby. The first time, it copies the primary; then it follows it.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
	until PGPASSWORD="$STANDBY_PASSWORD" pg_basebackup --pgdata "$PGDATA" --wal-method stream --slot standby --write-recovery-conf \
		--dbname "host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=standby application_name=standby"; do
		find "$PGDATA" -mindepth 1 -delete
		sleep 2
	done
	# The settings of the primary that are not its own.
	sed -i '/^synchronous_standby_names/d' "$PGDATA/postgresql.auto.conf"
	chmod 700 "$PGDATA"
fi
exec postgres "$@"
