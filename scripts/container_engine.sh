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
    # a pid file of an engine that was killed keeps a new one from starting
    if [ -e /var/run/docker.pid ] && ! kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null; then
        rm -f /var/run/docker.pid
    fi
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
    tail -30 "$dir/dockerd.log" >&2
    fail "dockerd did not start; what it said stands above"
}

stop() {
    local file=$1/dockerd.pid pid
    [ -e "$file" ] || return 0
    pid=$(cat "$file")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 60); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.5
    done
    rm -f "$file"
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
