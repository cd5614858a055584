-- The bridge's two users: one owns the tables and migrates, one serves and may do what it needs.
-- For psql as a superuser, with both passwords in its environment (docs/deployment.md). database.sql comes after it.
\getenv owner_password OWNER_PASSWORD
\getenv password PASSWORD
CREATE ROLE bridge_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE bridge LOGIN PASSWORD :'password';
