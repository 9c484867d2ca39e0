#!/bin/sh
# Run once by the image, when its volume is empty: a user for Temporal, one for the ledger, and their databases.
set -eu
for name in temporal aftersales; do
  psql --set ON_ERROR_STOP=1 --username postgres --set "name=$name" \
    --set "password=$(cat "/run/secrets/${name}_password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
SQL
done
for database in temporal temporal_visibility; do
  createdb --username postgres --owner temporal "$database"
done
createdb --username postgres --owner aftersales aftersales
