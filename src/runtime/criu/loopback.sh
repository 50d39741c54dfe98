#!/bin/sh
# CRIU runs this at several moments of a restore. When the network namespace is made and no socket is yet, its lo is brought up.
[ "$CRTOOLS_SCRIPT_ACTION" = setup-namespaces ] || exit 0
exec nsenter --net="/proc/$CRTOOLS_INIT_PID/ns/net" "$SUBAKO_IP" link set lo up
