#!/bin/sh
# Create Temporal's tables, or bring those of an older release up to date.
set -eu
SQL_PASSWORD=$(cat /run/secrets/temporal_password)
export SQL_PASSWORD
prepare() {
  set -- "$1" temporal-sql-tool --plugin postgres12 --ep postgres -p 5432 -u temporal --db "$2"
  folder=$1
  shift
  "$@" setup-schema -v 0.0
  "$@" update-schema -d "/etc/temporal/schema/postgresql/v12/$folder/versioned"
}
prepare temporal temporal
prepare visibility temporal_visibility
