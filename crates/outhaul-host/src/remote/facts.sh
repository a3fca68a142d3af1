# What this machine is: one fact a line. Nothing here may fail as a whole, wait long or change anything.
os=$(uname -s)
[ ! -r /etc/os-release ] || os=$(. /etc/os-release && printf '%s' "${PRETTY_NAME:-$NAME}")
echo "os $os"
echo "kernel $(uname -sr)"
echo "architecture $(uname -m)"
echo "user $(id -u) $(id -g)"
echo "cpus $(nproc 2> /dev/null || getconf _NPROCESSORS_ONLN 2> /dev/null || echo 1)"
[ ! -r /proc/meminfo ] || while read -r name size _; do
    [ "$name" != MemTotal: ] || echo "memory-kb $size"
done < /proc/meminfo
df -Pk . 2> /dev/null | tail -n 1 | { read -r _ _ _ free _ && echo "disk-kb $free"; }
if command -v nvidia-smi > /dev/null 2>&1; then
    nvidia-smi --query-gpu=name,memory.total --format=csv,noheader 2> /dev/null | while IFS= read -r gpu; do echo "gpu $gpu"; done
fi
seen=
IFS_BEFORE=$IFS
IFS=:
for folder in $PATH; do
    for python in "$folder/python3" "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9]; do
        [ -x "$python" ] || continue
        found=$("$python" -c 'import os, sys; print("%d.%d.%d" % sys.version_info[:3], os.path.realpath(sys.executable))' 2> /dev/null < /dev/null) || continue
        case $seen in *"|$found|"*) continue ;; esac
        seen="$seen|$found|"
        echo "python ${found%% *} $python"
    done
done
IFS=$IFS_BEFORE
case ${DOCKER_HOST-} in unix://*) engine=${DOCKER_HOST#unix://} ;; *) engine=/var/run/docker.sock ;; esac
if command -v docker > /dev/null 2>&1 || [ -S "$engine" ]; then
    if [ -S "$engine" ] && [ -r "$engine" ] && [ -w "$engine" ]; then
        echo "docker-socket $engine"
        # An engine of the user's own: root in its containers is the user.
        [ "$(id -u)" -eq 0 ] || [ ! -O "$engine" ] || echo "docker-rootless yes"
        version=$(docker version --format '{{.Server.Version}}' 2> /dev/null < /dev/null) && echo "docker $version" ||
            { command -v docker > /dev/null 2>&1 && echo "docker-problem the engine does not answer" || echo "docker unknown"; }
    elif [ -S "$engine" ]; then
        echo "docker-problem the user may not use $engine"
    else
        echo "docker-problem the engine does not run"
    fi
fi
for tool in uv "$HOME/.local/bin/uv" "$HOME/.cargo/bin/uv"; do
    uv=$(command -v "$tool" 2> /dev/null) && { echo "uv $uv"; break; }
done
for tool in mamba micromamba conda; do
    conda=$(command -v "$tool" 2> /dev/null) && { echo "conda $conda"; break; }
done
if [ -z "${OUTHAUL_NO_INDEX-}" ]; then
    index=${PIP_INDEX_URL:-${UV_DEFAULT_INDEX:-https://pypi.org/simple}}
    if command -v curl > /dev/null 2>&1; then
        curl -sfL -m 5 -o /dev/null "${index%/}/pip/" 2> /dev/null < /dev/null && echo "index yes" || echo "index no"
    elif command -v wget > /dev/null 2>&1; then
        wget -q -T 5 -t 1 -O /dev/null "${index%/}/pip/" 2> /dev/null < /dev/null && echo "index yes" || echo "index no"
    elif command -v python3 > /dev/null 2>&1; then
        python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=5).read(1)' "${index%/}/pip/" 2> /dev/null < /dev/null && echo "index yes" || echo "index no"
    fi
fi
echo "clock $(date +%s)"
echo "shell ${SHELL-}"
echo "home ${HOME-}"
echo "folder $(pwd -P)"
for file in /etc/machine-id /var/lib/dbus/machine-id; do
    [ -r "$file" ] && read -r id < "$file" && { echo "machine-id $id"; break; }
done
# The root file system's own id, or the device that holds it.
device=$(df -P / 2> /dev/null | tail -n 1 | { read -r device _ && echo "$device"; })
volume=
for link in /dev/disk/by-uuid/*; do
    [ -L "$link" ] && [ "$(readlink -f "$link")" = "$(readlink -f "$device")" ] && volume=${link##*/}
done
echo "volume ${volume:-$device}"
command -v loginctl > /dev/null 2>&1 && grep -qs '^KillUserProcesses=yes' /etc/systemd/logind.conf && echo "kills-at-logout yes"
mkdir -p tmp 2> /dev/null && printf '#!/bin/sh\n' > "tmp/probe.$$" && chmod +x "tmp/probe.$$" && { "./tmp/probe.$$" 2> /dev/null && echo "exec yes" || echo "exec no"; }
rm -f "tmp/probe.$$" 2> /dev/null
command -v tar > /dev/null 2>&1 || echo "missing tar"
command -v setsid > /dev/null 2>&1 || echo "missing setsid"
exit 0
