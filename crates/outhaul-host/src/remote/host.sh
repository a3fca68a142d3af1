#!/bin/sh
# The far side of the run directory protocol: what a server asks of a machine that it reaches by a shell. POSIX sh and
# the programs that every Linux has; no root, no daemon, no network.
#
#   host.sh OPERATION [ARGUMENT...]     arguments hold letters, digits, `.`, `_`, `-` and `:` only
#
# Lies in ROOT/lib/VERSION; everything of ours lies under ROOT. Whatever the login shell prints comes before the mark,
# and is skipped. Answers are lines; a block of bytes is announced by its length. Any operation may be cut off at any
# point and asked for again.

set -u
umask 077
unset SSH_CLIENT SSH_CONNECTION SSH_TTY SSH_AUTH_SOCK SSH_ORIGINAL_COMMAND CDPATH ENV BASH_ENV 2> /dev/null
LC_ALL_BEFORE=${LC_ALL-}
export LC_ALL=C
lib=$(cd "$(dirname "$0")" && pwd -P) && root=${lib%/lib/*} && cd "$root" || exit 3
printf '\n@@outhaul@@\n'

fail() {
    printf 'failed %s\n' "$*"
    exit 0
}

nap() { sleep 0.05 2> /dev/null || sleep 1; }

# Puts a copy of a known tree where the run wants it. A spare one is moved: of all who want it, one gets it.
take_tree() {
    mv "spares/$1" "$2" 2> /dev/null || { [ -d "trees/$1" ] && cp -pPR "trees/$1" "$2"; }
}

# Unpacks a pack (tar, perhaps compressed) and removes what the tree does not have any more.
unpack() {
    case $1 in
        *.gz) gzip -dc < "$1" | tar -xof - -C "$2" ;;
        *) tar -xof "$1" -C "$2" ;;
    esac || return 1
    if [ -f "$2/.outhaul-removed" ]; then
        while IFS= read -r path; do rm -rf "$2/$path"; done < "$2/.outhaul-removed"
        rm -f "$2/.outhaul-removed"
    fi
}

# Keeps a tree for the runs to come.   keep TREE BASE PACK
keep() {
    [ ! -d "trees/$1" ] || return 0
    new=trees/.new.$$
    if [ "$2" = - ]; then mkdir "$new"; else cp -pPR "trees/$2" "$new"; fi &&
        unpack "$3" "$new" && { mv "$new" "trees/$1" 2> /dev/null || [ -d "trees/$1" ]; }
    kept=$?
    [ ! -d "$new" ] || rm -rf "$new"
    return $kept
}

# Trees by the time of their last use; all but the newest go.
prune() {
    ls -1t "$1" 2> /dev/null | tail -n "+$(($2 + 1))" | while IFS= read -r old; do rm -rf "$1/$old"; done
}

same_process() { # PID START: does the very process still run?
    [ -r "/proc/$1/stat" ] && read -r stat 2> /dev/null < "/proc/$1/stat" || return 1
    # shellcheck disable=SC2086
    set -- "$2" ${stat##*) }
    [ "$1" = - ] || [ "$1" = "${21}" ]
}

start_of() { # PID
    read -r stat 2> /dev/null < "/proc/$1/stat" || stat=') - - - - - - - - - - - - - - - - - - - -'
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    printf '%s' "${20}"
}

marked() { grep -ls "OUTHAUL_RUN_KEY=$1" /proc/[0-9]*/environ 2> /dev/null; }

# Sends a signal to the run's group and to whoever carries its mark.   signal KEY SIGNAL
signal() {
    # Pids of a container or of another machine are not the host's.
    [ ! -e "runs/$1/launcher" ] || return 0
    if read -r _ pid start _ 2> /dev/null < "runs/$1/process"; then
        # The group may outlive its leader; its id is not given out again while it has members.
        if [ ! -d "/proc/$pid" ] || same_process "$pid" "$start"; then kill -s "$2" -- "-$pid" 2> /dev/null; fi
    fi
    for at in $(marked "$1"); do
        at=${at#/proc/}
        kill -s "$2" "${at%/environ}" 2> /dev/null
    done
}

anybody_left() {
    if read -r _ pid start _ 2> /dev/null < "runs/$1/process" && same_process "$pid" "$start"; then return 0; fi
    [ -n "$(marked "$1")" ]
}

# Up to MAX bytes of FILE of a run from OFFSET on.   piece KEY FILE OFFSET MAX
piece() {
    size=0
    [ ! -s "runs/$1/$2" ] || size=$(wc -c < "runs/$1/$2")
    size=$((size - $3))
    [ "$size" -ge 0 ] || size=0
    [ "$size" -le "$4" ] || size=$4
    printf 'data %s %s %s %s\n' "$1" "$2" "$3" "$size"
    if [ "$size" -gt 0 ]; then tail -c "+$(($3 + 1))" "runs/$1/$2" | head -c "$size"; fi
    printf '\n'
}

# What is said about runs: the host first, then each run, then the sizes of all their logs in one.
files=
about_host() {
    up=- boot=-
    [ ! -r /proc/uptime ] || read -r up _ < /proc/uptime
    [ ! -r /proc/sys/kernel/random/boot_id ] || read -r boot < /proc/sys/kernel/random/boot_id
    printf 'host %s %s\n' "$up" "$boot"
}

about_run() { # KEY OUT-OFFSET ERR-OFFSET METRICS-OFFSET
    [ -d "runs/$1/claim" ] || return 0
    printf 'run %s\n' "$1"
    if read -r word 2> /dev/null < "runs/$1/launcher"; then echo "launcher $word"; fi
    for record in process supervisor; do
        line=
        read -r line 2> /dev/null < "runs/$1/$record"
        [ -z "$line" ] || {
            printf '%s\n' "$line"
            pid=${line#* }
            pid=${pid%% *}
            if [ -r "/proc/$pid/stat" ] && read -r stat 2> /dev/null < "/proc/$pid/stat"; then
                printf 'stat %s %s\n' "$record" "$stat"
            fi
        }
    done
    # The exit record is read after the processes: what is gone may have written it last.
    line=
    read -r line 2> /dev/null < "runs/$1/exit"
    printf '%s\n' "$line"
    case $line in
        "exit "*" end"*)
            # What is small comes with the answer: most runs need no more.
            [ ! -s "runs/$1/stdout" ] || piece "$1" stdout "$2" 65536
            [ ! -s "runs/$1/stderr" ] || piece "$1" stderr "$3" 65536
            [ ! -s "runs/$1/metrics.jsonl" ] || piece "$1" metrics.jsonl "$4" 65536
            for kept in "runs/$1"/code/outputs/* "runs/$1"/code/outputs/.[!.]* "runs/$1"/code/logs/* \
                "runs/$1"/code/logs/.[!.]* "runs/$1"/uploads/* "runs/$1"/uploads/.[!.]*; do
                if [ -e "$kept" ] || [ -L "$kept" ]; then
                    echo left
                    break
                fi
            done
            ;;
        *)
            [ -s "runs/$1/supervisor" ] || [ -z "$(find "runs/$1/claim" -prune -mmin +0 2> /dev/null)" ] || echo old
            ;;
    esac
    files="$files runs/$1/stdout runs/$1/stderr runs/$1/metrics.jsonl"
}

about_sizes() {
    echo sizes
    # shellcheck disable=SC2086
    [ -z "$files" ] || ls -lnd $files 2> /dev/null
}

operation=$1
shift
case $operation in
    hello)
        mkdir -p runs trees spares packs environments services tmp || fail "cannot write to $root"
        [ -s epoch ] || { printf '%s\n' "$1" > epoch.new && mv epoch.new epoch; } || fail "cannot write to $root (is the disk full?)"
        [ -p events ] || { rm -f events && mkfifo events 2> /dev/null; }
        boot=-
        [ ! -r /proc/sys/kernel/random/boot_id ] || read -r boot < /proc/sys/kernel/random/boot_id
        read -r epoch < epoch
        printf 'root %s\nepoch %s\nboot %s\n' "$root" "$epoch" "$boot"
        for tree in trees/*; do [ ! -d "$tree" ] || printf 'tree %s\n' "${tree#trees/}"; done
        ls -1 lib | while IFS= read -r old; do [ "lib/$old" = "${lib#"$root"/}" ] || printf 'lib %s\n' "$old"; done
        echo ok
        ;;

    submit) # KEY TREE HOW SPARE LAUNCH-BYTES LAUNCHER SECRET-BYTES: stages the code and starts the run. HOW: have | inline |
        # pack:NAME, each perhaps with :BASE. LAUNCHER: process, or container or cluster for a run that its caller starts when it
        # is staged. Standard input: lines that set variables which are in no file, the launch script, then, with `inline`, the
        # pack.
        key=$1 tree=$2 how=$3 spare=$4 bytes=$5 launcher=$6 secret_bytes=$7 dir=runs/$1
        if [ -d "$dir/claim" ]; then
            echo started
            exit 0
        fi
        secrets=
        [ "$secret_bytes" -eq 0 ] || secrets=$(dd bs=1 count="$secret_bytes" 2> /dev/null)
        rest=${how#*:} base=-
        case $how in
            have) pack= ;;
            inline) pack=packs/$tree.$key.tar ;;
            inline:*) pack=packs/$tree.$key.tar base=$rest ;;
            pack:*:*) pack=packs/${rest%%:*} base=${rest#*:} ;;
            pack:*) pack=packs/$rest ;;
        esac
        if [ ! -e "$dir/staged" ]; then
            rm -rf "$dir"
            mkdir -p "$dir" || fail "cannot make the run's folder in $root (is the disk full?)"
            case $how in
                # `head` may read more than it is asked for, and the pack follows.
                inline*) dd bs=1 count="$bytes" of="$dir/launch.sh" 2> /dev/null && cat > "$pack" ;;
                *) cat > "$dir/launch.sh" ;;
            esac && [ "$(wc -c < "$dir/launch.sh")" -eq "$bytes" ] || fail "cannot write the run's folder (is the disk full?)"
            if [ -n "$pack" ] && [ "$spare" = no ]; then
                # Small: kept first, so that the next run finds it.
                keep "$tree" "$base" "$pack" || fail "cannot unpack the code (is the disk full?)"
                rm -f "$pack"
                pack= base=-
            fi
            if [ -z "$pack" ]; then
                # An earlier run's tidying may be about to keep it.
                waited=0
                while [ ! -d "trees/$tree" ] && [ -n "$(ls packs | grep -F "$tree")" ] && [ "$waited" -lt 600 ]; do
                    nap
                    waited=$((waited + 1))
                done
                take_tree "$tree" "$dir/code" || {
                    [ ! -d "trees/$tree" ] || fail "cannot write the code (is the disk full?)"
                    echo need
                    exit 0
                }
            else
                if [ "$base" = - ]; then mkdir "$dir/code"; else
                    take_tree "$base" "$dir/code" || {
                        echo need
                        exit 0
                    }
                fi && unpack "$pack" "$dir/code" || fail "cannot unpack the code (is the disk full?)"
                # Not under the run's name any more: the run may be released before its code is kept.
                case $pack in *".$key.tar") mv "$pack" "packs/$tree.kept.tar" ;; esac
            fi
            mkdir "$dir/code/outputs" "$dir/code/logs" "$dir/uploads" 2> /dev/null
            case $launcher in container) supervisor=container.sh ;; cluster) supervisor=supervise.sh ;; *) supervisor= ;; esac
            if [ -n "$supervisor" ]; then
                cp "$lib/$supervisor" "$dir/$supervisor" && echo "$launcher" > "$dir/launcher" ||
                    fail "cannot write the run's folder (is the disk full?)"
            fi
            [ -d "$dir/uploads" ] && : > "$dir/staged" || fail "cannot write the run's folder (is the disk full?)"
        fi
        if [ -e "runs/$key.prevented" ]; then fail "it was canceled before it started"; fi
        if [ -n "$LC_ALL_BEFORE" ]; then export LC_ALL="$LC_ALL_BEFORE"; else unset LC_ALL; fi
        # The supervisor closes its standard output once it has answered.
        if [ "$launcher" != process ]; then answer=staged; else answer=$(eval "$secrets"; setsid sh "$lib/supervise.sh" supervise "$root/$dir" < /dev/null 2> /dev/null &); fi
        case $answer in
            claimed | taken)
                # Many runs end at once, and the answer may as well say so. Others are not held up for long.
                for _ in 1 2 3 4; do
                    line=
                    read -r line 2> /dev/null < "$dir/exit"
                    case $line in "exit "*" end"*) break ;; esac
                    sleep 0.005 2> /dev/null || break
                done
                LC_ALL=C
                about_host
                about_run "$key" 0 0 0
                about_sizes
                echo started
                ;;
            staged) echo staged ;;
            '') echo "failed the supervisor ended without an answer" ;;
            *) printf '%s\n' "$answer" ;;
        esac
        # The rest is for the runs to come, and nobody waits for it.
        if [ "$spare" = yes ]; then
            [ -z "$pack" ] || [ -f "$pack" ] || pack=packs/$tree.kept.tar
            setsid sh "$lib/host.sh" tidy "$tree" "$base" "${pack#packs/}" < /dev/null > /dev/null 2>&1 &
        fi
        ;;

    tidy) # TREE BASE PACK: keeps a large tree, and a spare copy of it.
        [ -z "${3-}" ] || { keep "$1" "$2" "packs/$3" && rm -f "packs/$3"; }
        touch "trees/$1"
        if [ ! -d "spares/$1" ]; then
            cp -pPR "trees/$1" "spares/.new.$$" && mv "spares/.new.$$" "spares/$1" || rm -rf "spares/.new.$$"
        fi
        prune spares 2
        prune trees 6
        # What was sent for runs that never came.
        find packs -type f -mtime +7 -exec rm -f {} + 2> /dev/null
        ;;

    begin) # NAME: how much of an upload is here. Whoever may still write to it is ended first.
        if read -r pid start 2> /dev/null < "packs/$1.writer" && same_process "$pid" "$start"; then
            kill -s KILL "$pid" 2> /dev/null
            while same_process "$pid" "$start"; do nap; done
        fi
        size=0
        [ ! -f "packs/$1.part" ] || size=$(wc -c < "packs/$1.part")
        [ ! -f "packs/$1" ] || size=whole
        printf 'size %s\nok\n' "$size"
        ;;

    upload) # NAME OFFSET: appends standard input to an upload.
        part=packs/$1.part
        : >> "$part" || fail "cannot write to $root/packs (is the disk full?)"
        [ "$(wc -c < "$part")" -eq "$2" ] || fail "the upload has moved on"
        exec 3<&0
        cat <&3 >> "$part" &
        printf '%s %s\n' "$!" "$(start_of "$!")" > "packs/$1.writer"
        wait "$!" || fail "cannot write $root/$part (is the disk full?)"
        rm -f "packs/$1.writer"
        echo ok
        ;;

    commit) # NAME SIZE SUM: an upload is whole if it has this size. SUM: `-`, or what cksum says, for one that was put
        # together in several tries.
        part=packs/$1.part
        if [ -f "packs/$1" ]; then
            echo ok
        elif [ ! -f "$part" ] || [ "$(wc -c < "$part")" -ne "$2" ]; then
            echo short
        elif [ "$3" != - ] && [ "$(cksum < "$part")" != "$3 $2" ]; then
            rm -f "$part"
            echo damaged
        else
            mv "$part" "packs/$1" && echo ok
        fi
        ;;

    find) # KEY
        if read -r word 2> /dev/null < "runs/$1/launcher"; then echo "launcher $word"; fi
        if [ -d "runs/$1/claim" ]; then echo found; else echo none; fi
        ;;

    prevent) # KEY: a launch that is under way starts nothing.
        : > "runs/$1.prevented" || fail "cannot write to $root/runs (is the disk full?)"
        [ ! -d "runs/$1" ] || : > "runs/$1/cancel"
        echo ok
        ;;

    observe) # Standard input: a line for each run, KEY and the offsets up to which its logs have been read.
        about_host
        while read -r key out err metrics; do about_run "$key" "$out" "$err" "$metrics"; done
        about_sizes
        echo ok
        ;;

    read) # Standard input: a line for each piece, KEY FILE OFFSET MAX.
        while read -r key file offset max; do piece "$key" "$file" "$offset" "$max"; done
        echo ok
        ;;

    cancel) # KEY GRACE-SECONDS
        if [ -d "runs/$1/claim" ]; then
            : > "runs/$1/cancel" || fail "cannot write to $root/runs/$1 (is the disk full?)"
            signal "$1" TERM
            setsid sh "$lib/host.sh" force "$1" "$2" < /dev/null > /dev/null 2>&1 &
        fi
        echo ok
        ;;

    force) # KEY GRACE-SECONDS: ends by force what has not ended by then.
        waited=0
        while [ "$waited" -lt "$2" ] && anybody_left "$1"; do
            sleep 1
            waited=$((waited + 1))
        done
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            anybody_left "$1" || break
            signal "$1" KILL
            nap
        done
        ;;

    left) # KEY: the files that an ended run left, as `ls -ln` shows them.
        cd "runs/$1" 2> /dev/null || fail "the run's folder is gone"
        find code/outputs code/logs uploads ! -type d -exec ls -lnd {} + 2> /dev/null
        echo ok
        ;;

    fetch) # KEY: standard input names files, one a line; a tar of them follows.
        cd "runs/$1" 2> /dev/null || fail "the run's folder is gone"
        echo tar
        tar -cf - -T - 2> /dev/null
        ;;

    resolve) # KEY: standard input names links, one a line; says where each leads.
        cd "runs/$1" 2> /dev/null || fail "the run's folder is gone"
        inside=$(pwd -P)
        while IFS= read -r link; do
            real=$(readlink -f "$link" 2> /dev/null) || real=
            case $real in
                "$inside"/*)
                    if [ -f "$real" ]; then printf 'file %s\n' "$(wc -c < "$real") ${real#"$inside"/}"; elif [ -d "$real" ]; then echo folder; else echo nowhere; fi
                    ;;
                '') echo nowhere ;;
                *) printf 'outside %s\n' "$real" ;;
            esac
        done
        echo ok
        ;;

    release) # KEY...: removes runs' folders, whatever their scripts did to the permissions in them.
        for key; do
            # First: a supervisor that comes late must not find a command when the request to end is gone.
            rm -f "runs/$key/launch.sh" "packs/"*".$key.tar" 2> /dev/null
            rm -rf "runs/$key" 2> /dev/null || { chmod -R u+rwx "runs/$key" 2> /dev/null; rm -rf "runs/$key"; } ||
                fail "cannot remove $root/runs/$key"
            rm -f "runs/$key.prevented"
        done
        echo ok
        ;;

    watch) # Tells which runs ended, until standard input ends.
        [ -p events ] || fail "no fifo here"
        exec 3<&0 4<> events
        echo ok
        cat <&4 2> /dev/null &
        reader=$!
        cat <&3 > /dev/null 2>&1
        kill "$reader" 2> /dev/null
        ;;

    script) # BYTES: runs the script that stands on standard input; what follows it there is the script's own input.
        script=$(dd bs=1 count="$1" 2> /dev/null && echo x)
        eval "${script%x}"
        ;;

    step) # BYTES: runs a script in a session of its own until it ends, or standard input does.
        dd bs=1 count="$1" of="tmp/step.$$" 2> /dev/null || fail "cannot write to $root/tmp (is the disk full?)"
        exec 3<&0
        setsid sh "tmp/step.$$" < /dev/null 3<&- &
        child=$!
        {
            cat <&3
            kill -s TERM -- "-$child"
            sleep 2
            kill -s KILL -- "-$child"
        } > /dev/null 2>&1 &
        guard=$!
        wait "$child"
        code=$?
        # What the step left running must not work on behind our back.
        kill -s KILL -- "-$child" 2> /dev/null
        kill "$guard" 2> /dev/null
        rm -f "tmp/step.$$"
        exit "$code"
        ;;

    remove) # Removes everything of ours, and says what that was.
        for key in runs/*/claim; do
            [ ! -d "$key" ] || {
                key=${key#runs/}
                signal "${key%/claim}" KILL
            }
        done
        printf 'removed %s %s\n' "$(du -sk . 2> /dev/null | { read -r size _ && echo "$size"; })" "$root"
        cd .. || exit 3
        chmod -R u+rwx "$root" 2> /dev/null
        rm -rf "$root" || fail "cannot remove $root"
        rmdir . 2> /dev/null || rmdir "$(pwd -P)" 2> /dev/null
        echo ok
        ;;

    *) fail "unknown operation $operation" ;;
esac
