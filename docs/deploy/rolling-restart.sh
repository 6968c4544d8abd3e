#!/bin/sh
# Restarts the servers behind haproxy.cfg one after the other; no client is refused and no poem is cut.
#
#   rolling-restart.sh one two
#
# For each server: HAProxy sends it no new clients, it finishes what is in flight for at most its --drain, it is restarted,
# and the next one follows when HAProxy's check has found it ready.
#
# HAPROXY_SOCKET   the admin socket of HAProxy (default: /run/haproxy/admin.sock)
# POETRY_RESTART   a command that restarts the server whose name it is given, and returns when it is ready
#                  (default: systemctl restart poetry@NAME, which waits for READY=1 of poetry@.service)
#
# Test: RollingRestart_UnderLoad_CutsNoPoem in tests/Native/DeployBalancerTests.cs.
set -eu

socket=${HAPROXY_SOCKET:-/run/haproxy/admin.sock}
backend=poems

haproxy() { printf '%s\n' "$1" | socat - "UNIX-CONNECT:$socket"; }

# The column "status" of HAProxy's statistics: UP, DRAIN, DOWN, …
status() { haproxy 'show stat' | awk -F, -v b="$backend" -v s="$1" '$1 == b && $2 == s { print $18 }'; }

for server in "$@"; do
    haproxy "set server $backend/$server state drain"
    if [ -n "${POETRY_RESTART:-}" ]; then
        "$POETRY_RESTART" "$server"
    else
        systemctl restart "poetry@$server"
    fi
    haproxy "set server $backend/$server state ready"
    tries=0
    until [ "$(status "$server")" = UP ]; do
        tries=$((tries + 1))
        [ "$tries" -le 150 ] || { echo "rolling-restart.sh: $server is not ready after 30 s" >&2; exit 1; }
        sleep 0.2
    done
done
