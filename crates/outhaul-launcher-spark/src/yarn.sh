# Submits a run to YARN and sees it through. POSIX sh; started in the run's code folder.
#
#   $1 the environment's folder, "" where it does not travel    $2 `cluster` or `client`
#   $3 names of the variables that the driver gets              $4 folder of our Python package
#   then: `spark-submit` and its arguments
#
# In cluster mode the driver runs on a machine that does not see the run directory: code and variables travel there in
# one archive, and what the driver leaves comes back through the cluster's file system.
environment=$1 mode=$2 names=$3 sdk=$4
shift 4

# "APPLICATION STATE" of this run by the manager's word; "- UNKNOWN" while it does not answer, nothing when it knows none.
seen_by_yarn() {
    list=$(yarn application -list -appStates ALL -appTags "$OUTHAUL_RUN_KEY" 2> /dev/null) || {
        echo "- UNKNOWN"
        return
    }
    echo "$list" | awk -F '\t' '/application_/ { gsub(/ /, "", $1); gsub(/ /, "", $6); print $1, $6 }' | tail -n 1
}

give_up() {
    echo "outhaul: $1" >&2
    exit 1
}

if [ -n "$environment" ] && [ ! -s "$environment.tar.gz" ]; then
    echo "outhaul: the environment is packed for the cluster; this is done once" >&2
    tar -C "$environment" -czf "$environment.tar.gz.$$" . && mv -f "$environment.tar.gz.$$" "$environment.tar.gz" ||
        give_up "the environment cannot be packed"
fi
[ "$mode" = cluster ] || exec "$@"

key=$OUTHAUL_RUN_KEY
stage=.outhaul-runs/$key
(
    umask 077
    # shellcheck disable=SC2086 # names hold no blanks
    "$PYSPARK_DRIVER_PYTHON" -c 'import json, os, sys
json.dump({name: os.environ[name] for name in sys.argv[1:] if name in os.environ}, sys.stdout)' $names \
        > "$OUTHAUL_RUN_DIR/variables.json" &&
        tar -czf "$OUTHAUL_RUN_DIR/bundle.tar.gz" -C "$OUTHAUL_RUN_DIR" code variables.json -C "$sdk" outhaul
) || give_up "the code cannot be packed"
hadoop fs -mkdir -p "$stage" && hadoop fs -chmod 700 "$stage" ||
    give_up "the cluster's file system cannot be written to"

"$@"
code=$?

# Contact with the manager may be lost while the application goes on: its own word counts.
state=$(seen_by_yarn)
while [ "$code" -ne 0 ] && [ -n "$state" ]; do
    case $state in
    *FINISHED | *FAILED | *KILLED) break ;;
    esac
    sleep 5
    state=$(seen_by_yarn)
done
application=${state%% *}

left=$OUTHAUL_RUN_DIR/left.tar.gz
if hadoop fs -get "$stage/left.tar.gz" "$left" 2> /dev/null; then
    mkdir -p "$OUTHAUL_RUN_DIR/left" && tar -xzf "$left" -C "$OUTHAUL_RUN_DIR/left" || give_up "what the driver left cannot be unpacked"
    cd "$OUTHAUL_RUN_DIR/left" || exit 1
    [ ! -f stdout ] || cat stdout
    [ ! -f stderr ] || cat stderr >&2
    [ ! -f metrics.jsonl ] || cat metrics.jsonl >> "$OUTHAUL_METRICS_FILE"
    for folder in outputs logs; do
        [ ! -d "$folder" ] || { mkdir -p "$OUTHAUL_RUN_DIR/code/$folder" && cp -R "$folder/." "$OUTHAUL_RUN_DIR/code/$folder/"; }
    done
    [ ! -d uploads ] || { mkdir -p "$OUTHAUL_UPLOADS_DIR" && cp -R uploads/. "$OUTHAUL_UPLOADS_DIR/"; }
    # The script's own exit code; `spark-submit` knows only 1.
    [ ! -s exit ] || read -r code < exit
    cd ..
    rm -rf left left.tar.gz
else
    echo "outhaul: the driver left nothing on the cluster's file system; logs/yarn.txt has what YARN kept" >&2
    [ "$code" -ne 0 ] || code=1
fi
if [ -n "${application#-}" ]; then
    mkdir -p "$OUTHAUL_RUN_DIR/code/logs"
    yarn logs -applicationId "$application" > "$OUTHAUL_RUN_DIR/code/logs/yarn.txt" 2>&1
fi
hadoop fs -rm -r -skipTrash "$stage" > /dev/null 2>&1
rm -f "$OUTHAUL_RUN_DIR/bundle.tar.gz" "$OUTHAUL_RUN_DIR/variables.json"
exit "$code"
