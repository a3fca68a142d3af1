#!/bin/sh
# Runs dockerd for as long as standard input stays open: it ends with the process that holds the other end, however
# that process ends.
#
#   keep.sh FOLDER ARGUMENT...   FOLDER holds all that the engine writes, and is removed at the end
folder=$1
shift
dockerd --host "unix://$folder/docker.sock" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/pid" --shutdown-timeout 1 --bridge none --iptables=false "$@" < /dev/null > "$folder/log" 2>&1 &
engine=$!
# An engine that ends by itself is told; it has never answered then.
(while kill -0 "$engine" 2> /dev/null; do sleep 0.2; done; : > "$folder/ended") > /dev/null 2>&1 < /dev/null &
cat > /dev/null
kill "$engine" 2> /dev/null
wait
# The engine unmounts by itself; should a mount be left, what lies behind it must stay.
rm -rf --one-file-system "$folder" 2> /dev/null
