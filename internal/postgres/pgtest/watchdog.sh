# Ends the shared test server when no test has touched the lease for some minutes, however the tests ended.
# Arguments: the server's folder, the folder of its cluster, its process id.
dir=$1 place=$2 pid=$3

stale() { [ ! -e "$1" ] || [ -n "$(find "$1" -mmin +3 2>/dev/null)" ]; }

while kill -0 "$pid" 2>/dev/null; do
    sleep 10
    if stale "$dir/lease"; then
        # Take the lease away first and look again: a test that touched it in between keeps the server.
        mv "$dir/lease" "$dir/lease.gone" 2>/dev/null
        if stale "$dir/lease.gone"; then
            kill -QUIT "$pid" 2>/dev/null
            break
        fi
        mv "$dir/lease.gone" "$dir/lease"
    fi
done
tries=0
while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 50 ]; do
    sleep 0.2
    tries=$((tries + 1))
done
rm -rf "$place" "$dir"
