#!/bin/sh
# Starts one run and writes down how it ended. POSIX sh; nothing else is needed but mkdir, setsid and sleep.
#
#   supervise.sh supervise DIR   claim the run directory DIR and see its process through to the end
#   supervise.sh process DIR     become the process (used by the first form, in a session of its own)
#
# Answers one line on standard output: "claimed", "taken" (somebody else has it) or "failed REASON".
# Every record is one short line ending in "end"; a line without it is not finished and does not count.

# Prints "PID START BOOT": which process this is. A pid that was used again has another start time, and after
# a reboot the boot id differs.
identity() {
    boot=- start=-
    [ -r /proc/sys/kernel/random/boot_id ] && read -r boot < /proc/sys/kernel/random/boot_id
    if [ -r "/proc/$$/stat" ]; then
        read -r stat < "/proc/$$/stat"
        # Behind the command's name, which may hold blanks and brackets, the start time is the 20th field.
        set -- ${stat##*) }
        start=${20}
    fi
    printf '%s %s %s' "$$" "$start" "$boot"
}

uptime() {
    up=-
    [ -r /proc/uptime ] && read -r up _ < /proc/uptime
}

# Whoever asked may be gone before the answer: the run must not end by writing into a closed pipe. (A trap, unlike
# ignoring, is not inherited by the process.)
trap : PIPE

cd "$2" || { echo "failed cannot enter $2"; exit 1; }

if [ "$1" = process ]; then
    uptime
    printf 'process %s %s end\n' "$(identity)" "$up" > process || exit 1
    # Asked to end before there was a process that a signal could reach.
    [ ! -e cancel ] || exit 143
    . ./launch.sh
    exit 127
fi

# mkdir is atomic: of all who ever try, one succeeds.
if ! mkdir claim 2> /dev/null; then
    if [ -d claim ]; then echo taken; else echo "failed $(mkdir claim 2>&1)"; fi
    exit 0
fi
# The exit record is written now and overwritten in place later, so that a full disk cannot keep it out.
if ! { printf 'supervisor %s end\n' "$(identity)" > supervisor \
    && printf '%-60s\n' pending > exit \
    && : > stdout && : > stderr && : > metrics.jsonl; } 2> /dev/null; then
    rmdir claim
    echo "failed cannot write the first records (is the disk full?)"
    exit 0
fi
echo claimed 2> /dev/null
exec > /dev/null 2>> supervisor.log
# Whoever ends this session must not end the one who writes the record.
trap : HUP INT QUIT TERM PIPE

code=143
if [ ! -e cancel ]; then
    # In a subshell of its own, so that what a shell says of an end by signal ("Killed") does not go into the run's log.
    (exec setsid sh "$0" process "$2" < /dev/null >> stdout 2>> stderr)
    code=$?
fi

# What the process left running in its group ends with it; otherwise it would write on after the end.
if [ -r process ] && read -r _ pid _ < process && kill -s TERM -- "-$pid"; then
    tries=0
    while [ "$tries" -lt 50 ] && kill -s 0 -- "-$pid"; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -s KILL -- "-$pid"
fi 2> /dev/null

uptime
until printf '%-60s\n' "exit $code $up end" 1<> exit; do sleep 1; done
# Whoever listens is told which run ended. Nobody has to, and a full pipe holds up nobody but this line.
[ ! -p ../../events ] || printf '%s\n' "${2##*/}" 1<> ../../events &
