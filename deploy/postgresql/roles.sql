-- The database of the bridge and its two users: one owns the tables and migrates, one serves and may do what it needs.
-- For psql as a superuser, with both passwords in its environment (docs/deployment.md).
\getenv owner_password OWNER_PASSWORD
\getenv password PASSWORD
CREATE ROLE bridge_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE bridge LOGIN PASSWORD :'password';
CREATE DATABASE bridge OWNER bridge_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE bridge FROM PUBLIC;
GRANT CONNECT ON DATABASE bridge TO bridge;
\connect bridge
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO bridge_owner;
GRANT USAGE ON SCHEMA public TO bridge;
-- Rights on the tables come with `federation-bridge migrate --owner bridge_owner`, at each release those of new tables.
