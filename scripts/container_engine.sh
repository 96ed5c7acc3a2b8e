#!/usr/bin/env bash
# A container engine on a bare Debian machine, as root, and an image that builds are tested in.
#
#   container_engine.sh start DIR   start dockerd unless one answers; DIR gets its log and process id
#   container_engine.sh base NAME   make the image NAME of Debian, Python and gcc unless it is there
#   container_engine.sh stop DIR    stop the dockerd that `start DIR` started
#
# Needs docker.io and debootstrap. No registry is asked: the image is made from apt's own mirror.
set -euo pipefail

fail() {
    echo "$*" >&2
    exit 1
}

start() {
    local dir=$1
    if docker info >/dev/null 2>&1; then
        echo "a container engine is there already"
        return
    fi
    mkdir -p "$dir"
    # a machine without systemd may have no cgroups
    if [ ! -e /sys/fs/cgroup/devices ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ] &&
        command -v cgroupfs-mount >/dev/null; then
        cgroupfs-mount
    fi
    forget /var/run/docker.pid dockerd
    forget /var/run/docker/containerd/containerd.pid containerd
    nohup setsid dockerd >"$dir/dockerd.log" 2>&1 </dev/null &
    local pid=$!
    echo "$pid" >"$dir/dockerd.pid"
    for _ in $(seq 120); do
        if docker info >/dev/null 2>&1; then
            echo "dockerd $(docker version --format '{{.Server.Version}}') answers"
            return
        fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.5
    done
    grep -v 'module=grpc' "$dir/dockerd.log" | tail -20 >&2 || true
    fail "dockerd did not start: $(grep 'failed to start' "$dir/dockerd.log" || tail -1 "$dir/dockerd.log")"
}

# What a killed engine left keeps a new one from starting: its pid file, when another program has
# that number by now, and its containerd, which dies with it but not at once.
forget() {
    local file=$1 program=$2
    [ -e "$file" ] || return 0
    for _ in $(seq 20); do
        if ! runs "$program" "$(cat "$file")"; then
            rm -f "$file"
            return
        fi
        sleep 0.1
    done
}

# whether the process PID is PROGRAM
runs() {
    [ "$(cat "/proc/$2/comm" 2>/dev/null)" = "$1" ] && ! grep -q '^State:\s*Z' "/proc/$2/status"
}

stop() {
    local file=$1/dockerd.pid pid
    [ -e "$file" ] || return 0
    pid=$(cat "$file")
    rm -f "$file"
    runs dockerd "$pid" || return 0
    kill "$pid"
    for _ in $(seq 60); do
        runs dockerd "$pid" || return 0
        sleep 0.5
    done
    fail "dockerd ($pid) does not end"
}

# the mirror that apt uses for this Debian itself, not one of somebody's own packages
mirror() {
    apt-get indextargets --format '$(REPO_URI)' \
        "Codename: $1" 'Created-By: Packages' 'Origin: Debian' | sort -u | head -1
}

base() {
    local name=$1 codename uri
    if docker image inspect "$name" >/dev/null 2>&1; then
        echo "$name is there already"
        return
    fi
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    uri=$(mirror "$codename")
    if [ -z "$uri" ]; then
        apt-get update -qq
        uri=$(mirror "$codename")
    fi
    [ -n "$uri" ] || fail "apt knows no mirror of Debian $codename"
    # seen by the trap, after this function
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase \
        --include=python3,python3-pip,python3-venv,python3-dev,gcc,g++,libc6-dev,make,ca-certificates,git,openssh-client \
        "$codename" "$root/debian" "$uri" >"$root/log" 2>&1 || {
        tail -20 "$root/log" >&2
        fail "debootstrap failed"
    }
    rm -rf "$root/debian/var/cache/apt/archives" "$root/debian/var/lib/apt/lists"
    mkdir -p "$root/debian/var/cache/apt/archives/partial" "$root/debian/var/lib/apt/lists/partial"
    tar -C "$root/debian" --exclude=./dev -c . | docker import - "$name" >/dev/null
    echo "made $name"
}

case "${1:-} ${2:+given}" in
    "start given" | "base given" | "stop given") "$1" "$2" ;;
    *) fail "usage: container_engine.sh start DIR | base NAME | stop DIR" ;;
esac
