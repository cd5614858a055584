#!/bin/sh
# The database of the bridge and its two users. PostgreSQL's container runs it once, when it makes its data.
set -eu
# Passwords come by the environment: a program's arguments can be read by others.
PGPASSWORD=$(cat /run/secrets/superuser-password)
OWNER_PASSWORD=$(cat /run/secrets/database-owner-password)
PASSWORD=$(cat /run/secrets/database-bridge-password)
export PGPASSWORD OWNER_PASSWORD PASSWORD
psql --username postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  --file /etc/federation-bridge/roles.sql --file /etc/federation-bridge/database.sql
