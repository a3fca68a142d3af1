#!/bin/sh
# Starts one run inside a container and writes down how it ended; the twin of the supervisor of a host without one.
# POSIX sh; needs mkdir and sleep, and uses setsid and env where the image has them.
#
#   container.sh supervise DIR   claim the run directory DIR and see its process through to the end
#   container.sh process DIR     become the process (used by the first form)
#
# The engine gives TERM to ask for the end; it is passed on to every process of the container. Ends with the process's
# exit code. Records are as without a container, but pids in them are the container's.

# Prints "PID START BOOT": which process this is.
identity() {
    boot=- start=-
    [ -r /proc/sys/kernel/random/boot_id ] && read -r boot < /proc/sys/kernel/random/boot_id
    if [ -r "/proc/$$/stat" ]; then
        read -r stat < "/proc/$$/stat"
        set -- ${stat##*) }
        start=${20}
    fi
    printf '%s %s %s' "$$" "$start" "$boot"
}

uptime() {
    up=-
    [ -r /proc/uptime ] && read -r up _ < /proc/uptime
}

# Sends a signal to everybody in the container. Where the pids are not the container's own, only to the process's group
# and the process.
tell() {
    if [ "$$" -eq 1 ] || [ "$PPID" -eq 1 ]; then
        for each in /proc/[0-9]*; do
            each=${each#/proc/}
            [ "$each" -eq 1 ] || [ "$each" -eq "$$" ] || kill -s "$1" "$each"
        done
    else
        kill -s "$1" -- "-$pid" || kill -s "$1" "$pid"
    fi 2> /dev/null
}

# Whether anybody but the init and this shell is left, ended processes that nobody has waited for not counted.
anybody() {
    for each in /proc/[0-9]*; do
        [ "${each#/proc/}" -eq 1 ] || [ "${each#/proc/}" -eq "$$" ] || ! read -r stat < "$each/stat" || {
            stat=${stat##*) }
            case $stat in Z* | X*) ;; *) return 0 ;; esac
        }
    done 2> /dev/null
    return 1
}

trap : PIPE

cd "$2" || { echo "failed cannot enter $2"; exit 125; }

if [ "$1" = process ]; then
    uptime
    printf 'process %s %s end\n' "$(identity)" "$up" > process || exit 1
    # Asked to end before there was a process that a signal could reach.
    [ ! -e cancel ] || exit 143
    . ./launch.sh
    exit 127
fi

asked='' pid=''
# Told once: the engine may ask again, and a script may count.
trap '[ -n "$asked" ] || { asked=1; [ -z "$pid" ] || tell TERM; }; caught=1' TERM
trap : HUP INT QUIT PIPE

# mkdir is atomic: of all who ever try, one succeeds. A container that was started again only says how it ended.
if ! mkdir claim 2> /dev/null; then
    if [ -d claim ]; then echo taken; else echo "failed $(mkdir claim 2>&1)"; exit 125; fi
    code=137
    [ ! -r exit ] || read -r word number _ < exit
    [ "$word" != exit ] || code=$number
    exit "$code"
fi
# The exit record is written now and overwritten in place later, so that a full disk cannot keep it out.
if ! { printf 'supervisor %s end\n' "$(identity)" > supervisor \
    && printf '%-60s\n' pending > exit \
    && : > stdout && : > stderr && : > metrics.jsonl; } 2> /dev/null; then
    rmdir claim
    echo "failed cannot write the first records (is the disk full?)"
    exit 125
fi
echo claimed
exec 2>> supervisor.log
# The user may have no home folder in the image.
[ -d "$HOME" ] || mkdir -p "$HOME"

code=143
if [ -z "$asked" ] && [ ! -e cancel ]; then
    # A process in the background starts with INT and QUIT ignored, unless they are given back.
    set -- sh "$0" process "$2"
    ! command -v setsid > /dev/null || set -- setsid "$@"
    ! env --default-signal=INT,QUIT true > /dev/null 2>&1 || set -- env --default-signal=INT,QUIT "$@"
    "$@" < /dev/null >> stdout 2>> stderr &
    pid=$!
    # Asked between the look above and the start.
    [ -z "$asked" ] || tell TERM
    known=''
    while :; do
        caught=''
        wait "$pid"
        code=$?
        # A wait that a signal cut off is done again; nobody to wait for means that the first one had ended too.
        [ "$code" -ne 127 ] || [ -z "$known" ] || code=$known
        [ -n "$caught" ] || break
        known=$code
    done
fi

# What the process left running ends with it; otherwise it would write on after the end.
if [ -n "$pid" ] && anybody; then
    tell TERM
    tries=0
    while [ "$tries" -lt 50 ] && anybody; do
        sleep 0.1
        tries=$((tries + 1))
    done
    tell KILL
fi

uptime
until printf '%-60s\n' "exit $code $up end" 1<> exit; do sleep 1; done
# Whoever listens on the host is told which run ended, where its fifo was mounted. Not in the background, which would
# end with the container; should the pipe be full, the container is removed all the same, as its run has its record.
[ ! -p ../../events ] || printf '%s\n' "${2##*/}" 1<> ../../events
exit "$code"
