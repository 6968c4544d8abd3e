# Sourced by run: the other servers that are installed on this machine, each one process; missing ones are named in one line.

poem_peers=()
transform_peers=()
proxy_peers=()
pass_peers=()
slow_peers=()
missing=

absent() { missing=${missing:+$missing, }$1; }

# A peer in C that needs a library: built when the library is there.
build_peer() {
    local name=$1
    shift
    [[ $build/$name -nt $here/peers/$name.c ]] || "$cc" -O2 -o "$build/$name" "$here/peers/$name.c" "$@" 2>/dev/null
}

find_peers() {
    local python module go_peer=$build/go_peer sockets
    poem_peers=(${also[@]+"${also[@]}"})
    $peers || return 0
    poem_peers+=("io_uring in C=$build/limit_uring {port} {file}")
    if build_peer libuv_poem -luv; then poem_peers+=("libuv=$build/libuv_poem {port} {file}"); else absent libuv; fi
    module=$(find /usr/lib/nginx /usr/lib64/nginx /usr/libexec/nginx -name ngx_stream_module.so -print -quit 2>/dev/null || true)
    if command -v nginx >/dev/null; then
        poem_peers+=("nginx=$here/peers/nginx_poem {port} {file} $scratch $module")
        pass_peers+=("nginx=$here/peers/pass_peer nginx {port} {upstream} $scratch $module")
    else
        absent nginx
    fi
    if command -v haproxy >/dev/null; then
        pass_peers+=("HAProxy=$here/peers/pass_peer haproxy {port} {upstream} $scratch")
    else
        absent HAProxy
    fi
    if command -v go >/dev/null && { [[ $go_peer -nt $here/peers/go/main.go ]] \
        || (cd "$here/peers/go" && GOPROXY=off GOFLAGS=-mod=mod go build -o "$go_peer" .) >/dev/null 2>&1; }; then
        poem_peers+=("Go=$go_peer poem {port} {file}")
        transform_peers+=("Go=$go_peer transform {port}")
        slow_peers+=("Go=$go_peer slow {port} {file} 10 0.7")
    else
        absent Go
    fi
    python=$(command -v "${BENCH_PYTHON:-python3}" || true)
    if [[ -n $python ]] && "$python" -c 'import twisted' 2>/dev/null; then
        poem_peers+=("Twisted=$python $here/peers/twisted_peer.py poem {port} {file}")
        transform_peers+=("Twisted=$python $here/peers/twisted_peer.py transform {port}")
        proxy_peers+=("Twisted=$python $here/peers/twisted_peer.py proxy {port} {upstream}")
        slow_peers+=("Twisted=$python $here/peers/twisted_peer.py slow {port} {file}")
    else
        absent Twisted
    fi
    # ./build.sh bench netstring builds it with the other small benchmarks.
    sockets=$(find "$root/artifacts/native/benchmarks/out" -name poetry.benchmarks -print -quit 2>/dev/null || true)
    if [[ -n $sockets ]]; then poem_peers+=(".NET sockets=$sockets serve {port} {file}"); else absent '.NET sockets'; fi
}
