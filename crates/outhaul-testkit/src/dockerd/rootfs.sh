#!/bin/sh
# Packs a small root file system from this machine's own programs, so that images can be had without a registry.
#
#   rootfs.sh debian OUT    sh, setsid, env, the usual tools and python3, as in an image of Debian
#   rootfs.sh busybox OUT   busybox alone, without setsid and env
set -e
kind=$1 out=$2
root=$(mktemp -d)
trap 'rm -rf "$root" "$out.$$"' EXIT

# Copies the libraries that programs need, under the names by which they are looked for.
libraries() {
    for library in $(ldd "$@" 2> /dev/null | grep -o '/[^ ]*\.so[^ :]*' | sort -u); do
        [ ! -e "$root$library" ] || continue
        mkdir -p "$root${library%/*}"
        cp -pL "$library" "$root$library"
    done
}

mkdir -p "$root/usr/bin" "$root/usr/lib" "$root/usr/lib64" "$root/tmp" "$root/etc" "$root/proc" "$root/sys" "$root/dev"
chmod 1777 "$root/tmp"
for link in bin lib lib64; do ln -s "usr/$link" "$root/$link"; done
echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"

tools='cat chmod cp df echo false head id ln ls mkdir mkfifo mv readlink rm sh sleep stat tail test touch tr true wc'
if [ "$kind" = busybox ]; then
    cp -pL "$(command -v busybox)" "$root/usr/bin/busybox"
    for tool in $tools; do ln "$root/usr/bin/busybox" "$root/usr/bin/$tool"; done
else
    for tool in $tools env setsid; do cp -pL "/usr/bin/$tool" "$root/usr/bin/$tool"; done
    python=$(readlink -f /usr/bin/python3)
    name=${python##*/}
    cp -p "$python" "$root/usr/bin/python3"
    mkdir -p "$root/usr/lib/$name"
    tar -C "/usr/lib/$name" -c --exclude=./test --exclude=./idlelib --exclude=./tkinter \
        --exclude=./lib2to3 --exclude='./config-*' --exclude=./pydoc_data --exclude=./distutils \
        --exclude=./sitecustomize.py . | tar -C "$root/usr/lib/$name" -x
    # With what `venv` takes pip from, which Debian keeps elsewhere.
    [ ! -d /usr/share/python-wheels ] || {
        mkdir -p "$root/usr/share"
        cp -pRL /usr/share/python-wheels "$root/usr/share/"
    }
    libraries "$root/usr/lib/$name"/lib-dynload/*.so
    # Debian has it in every image, since apt needs it; so does what rustc compiles.
    for library in /lib/*/libgcc_s.so.1; do
        [ ! -e "$library" ] || { mkdir -p "$root${library%/*}" && cp -pL "$library" "$root$library"; }
    done
fi
libraries "$root"/usr/bin/*
tar -C "$root" --owner=0 --group=0 --numeric-owner -cf "$out.$$" .
mv "$out.$$" "$out"
