#!/bin/sh
# Make secrets, settings and folders for compose.yaml beside it.  What is there stays as it is.
# Nothing in the containers runs as root: as the user who calls this, or, if that is root, as 10001.
set -eu
umask 077
cd "$(dirname "$0")"
case ${1:-} in
  '') ;;
  *) echo "usage: ./make_secrets.sh (no arguments)" >&2; exit 2 ;;
esac
user=$(id -u) group=$(id -g)
if [ "$user" = 0 ]; then user=10001 group=10001; fi

random() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }
make() {  # make NAME: write standard input to a file that is not there yet
  if [ -e "$1" ]; then
    echo "kept: $1"
    cat >/dev/null
  else
    cat >"$1"
    echo "made: $1"
  fi
}

mkdir -p secrets data
for name in postgres temporal aftersales; do random 24 | make "secrets/${name}_password"; done
printf 'postgres:5432:aftersales:aftersales:%s\n' "$(cat secrets/aftersales_password)" | make secrets/ledger_passfile
random 48 | make secrets/desk_secret
make secrets/keys.yaml <<EOF
# The keys that encrypt what Temporal stores.  Keep a copy elsewhere: without it every case is lost.
keys:
  "first": "$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
encrypt_with: "first"
readers:
  admin: "$(random 16)"
EOF
make secrets/platforms.yaml <<EOF
# Credentials of the platforms: docs/operations.md#connecting-real-shops
gateway:
  status_token: "$(random 16)"
EOF
make secrets/channels.yaml <<'EOF'
# Channels of the shops' operators: docs/operations.md#notifying-operators.  Until there are any, notices are logged.
{}
EOF
make secrets/access.yaml <<'EOF'
# Who may log in on the desk: docs/operations.md#who-may-log-in
users: []
EOF
make shops.yaml <<'EOF'
# Names and figures of the shops: docs/operations.md#figures-of-a-shop
{}
EOF
make .env <<EOF
AFTERSALES_USER=$user:$group
AFTERSALES_TAG=local
# The address under which browsers reach the desk, and the proxy in front of it, whose headers are believed.
AFTERSALES_DESK_ADDRESS=http://127.0.0.1:8402
AFTERSALES_DESK_TRUSTED_PROXIES=
EOF
if [ "$(id -u)" = 0 ]; then chown -R "$user:$group" secrets data shops.yaml; fi
