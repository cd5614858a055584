-- The bridge's database, empty: at the beginning after roles.sql, and again where a dump is put back (docs/backup.md).
-- For psql as a superuser.
CREATE DATABASE bridge OWNER bridge_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE bridge FROM PUBLIC;
GRANT CONNECT ON DATABASE bridge TO bridge;
\connect bridge
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO bridge_owner;
GRANT USAGE ON SCHEMA public TO bridge;
-- Rights on the tables come with `federation-bridge migrate --owner bridge_owner`, at each release those of new tables.
