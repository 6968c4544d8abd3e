# Sourced by run: what is measured, one function a workload. How it is measured: measure.sh.

limit_name=limit.c
rate_field=conns_s
late=
rate=
seconds_used=$seconds
pace="$rounds rounds of $seconds s"

# poem BYTES: sets file to verses, exactly so many bytes.
poem() {
    file=$build/poem$1.txt
    if [[ ! -f $file || $(wc -c <"$file") -ne $1 ]]; then
        yes "$(cat "$root/poetry/ecstasy.txt")" 2>/dev/null | head -c "$1" >"$file" || true
    fi
    [[ $(wc -c <"$file") -eq $1 ]]
}

flood() { "$build/flood" "$@" --json ${flood_cpu[@]+"${flood_cpu[@]}"}; }

table_of_loads() {
    columns 15 8 5 7 5 6 6 6 6 5
    heads server "$1" ratio "$2" ratio 'p50 ms' 'p99 ms' p99.9 'top MB' 'vs it'
}

# ---- Poems -----------------------------------------------------------------

poem_load() { flood poem --port "$1" --expect-file "$file" --conns "$in_flight" --time "$seconds" --check-every "$check_every" ${rate:+--rate "$rate"} "${@:2}"; }

measure_poem600() {
    poem 600
    in_flight=64 check_every=1
    title "poem600: 600-byte poem, 64 in flight${rate:+, $rate a second}; $pace; CPU seconds for 100,000 connections"
    table_of_loads conns/s 'CPU s'
    compare poem_load 100000 "$file" "$build/limit {port} {file}" \
        "poetry=$binary serve --port {port} {file}" \
        "limit, shutdown=$build/limit {port} {file} --shutdown" \
        "poetry, warn=$binary serve --log-level warn --port {port} {file}" \
        ${poem_peers[@]+"${poem_peers[@]}"}
}

header_load() { poem_load "$1" --proxy-header; }

# What a public server may do to each connection. With headers the floor reads one, too.
measure_limits() {
    poem 600
    in_flight=64 check_every=1
    title "limits: 600-byte poem, 64 in flight; $pace; CPU seconds for 100,000 connections"
    columns 23 8 5 7 5 6 6 6 6 5
    heads server conns/s ratio 'CPU s' ratio 'p50 ms' 'p99 ms' p99.9 'top MB' 'vs it'
    compare poem_load 100000 "$file" "$build/limit {port} {file}" \
        "poetry=$binary serve --port {port} {file}" \
        "poetry, max-per-address=$binary serve --max-per-address 1000 --port {port} {file}"
    limit_name='limit.c, header'
    compare header_load 100000 "$file" "$build/limit {port} {file} --header" \
        "poetry, proxy-protocol=$binary serve --proxy-protocol --port {port} {file}"
    limit_name=limit.c
}

measure_poem3k() {
    poem 3000
    in_flight=1000 check_every=1
    title "poem3k: 3,000-byte poem, 1,000 in flight; $pace; CPU seconds for 100,000 connections"
    table_of_loads conns/s 'CPU s'
    compare poem_load 100000 "$file" "$build/limit {port} {file}" \
        "poetry=$binary serve --port {port} {file}" ${poem_peers[@]+"${poem_peers[@]}"}
}

measure_poem10m() {
    poem 10000000
    in_flight=16 check_every=8
    title "poem10m: 10 MB poem, 16 in flight; $pace; CPU seconds for a GB"
    table_of_loads MB/s CPUs/GB
    rate_field=mb_s
    # A GB is a hundred of them. nginx can't hold so much in its configuration.
    compare poem_load 100 "$file" "$build/limit {port} {file}" \
        "poetry=$binary serve --port {port} {file}" "limit, sendfile=$build/limit {port} {file} --sendfile" \
        ${poem_peers[@]+"${poem_peers[@]}"}
    rate_field=conns_s
}

# ---- Transform and proxy ---------------------------------------------------

transform_load() { flood netstring --port "$1" --expect-file "$file" --conns 64 --time "$seconds" ${rate:+--rate "$rate"}; }

measure_transform() {
    poem 600
    title "transform: 600 bytes to lower case, 64 in flight${rate:+, $rate a second}; $pace; CPU seconds for 100,000 requests"
    limit_name=limit_transform
    table_of_loads conns/s 'CPU s'
    compare transform_load 100000 "$file" "$build/limit_transform {port}" \
        "poetry=$binary transform --port {port}" \
        "limit, shutdown=$build/limit_transform {port} --shutdown" \
        "poetry, warn=$binary transform --log-level warn --port {port}" ${transform_peers[@]+"${transform_peers[@]}"}
    limit_name=limit.c
}

measure_paced() {
    rate=20000
    measure_poem600
    measure_transform
    rate=
}

measure_proxy() {
    local upstream upstream_pid
    poem 600
    in_flight=64 check_every=1
    launch "$build/limit {port} {file}" "$file"
    upstream=127.0.0.1:$port upstream_pid=$pid
    title "proxy: 600-byte poem from the cache, 64 in flight; $pace; CPU seconds for 100,000 connections"
    table_of_loads conns/s 'CPU s'
    compare poem_load 100000 "$file" "$build/limit {port} {file}" \
        "poetry=$binary proxy --port {port} $upstream" \
        "poetry, warn=$binary proxy --log-level warn --port {port} $upstream" \
        ${proxy_peers[@]+"${proxy_peers[@]//'{upstream}'/$upstream}"}
    stop "$upstream_pid"
}

# The same with 10 MB. limit.c sends the poem itself.
measure_proxy10m() {
    through_proxy proxy10m '10 MB poem from the cache' '' "poetry=$binary proxy --port {port} {upstream}" \
        ${proxy_peers[@]+"${proxy_peers[@]}"}
}

# A poem that is not kept. 16 clients that come together share a fetch; a single one has the kernel pass the poem on. One that
# says nothing may be a probe, and waits 50 ms for its fetch, in which the processor falls asleep: the last table is without that.
measure_pass10m() {
    local count
    local ours=("poetry=$binary proxy --max-poem 16K --port {port} {upstream}" "poetry, ttl 0=$binary proxy --ttl 0 --port {port} {upstream}")
    for count in 16 1; do
        in_flight=$count
        through_proxy pass10m '10 MB poem passed through' "$count" "${ours[@]}" ${pass_peers[@]+"${pass_peers[@]}"}
    done
    load=speak_load limit_flags=--spoken
    through_proxy pass10m '10 MB poem passed through to a client that speaks' 1 "${ours[@]}"
    load=poem_load limit_flags=''
}

# through_proxy WORD TITLE IN-FLIGHT COMMAND...
through_proxy() {
    local word=$1 what=$2 upstream upstream_pid
    in_flight=${3:-16} check_every=8
    shift 3
    poem 10000000
    launch "$build/limit {port} {file}" "$file"
    upstream=127.0.0.1:$port upstream_pid=$pid
    title "$word: $what, $in_flight in flight; $pace; CPU seconds for a GB"
    table_of_loads MB/s CPUs/GB
    rate_field=mb_s
    compare "${load:-poem_load}" 100 "$file" "$build/limit {port} {file} ${limit_flags:-}" "${@//'{upstream}'/$upstream}"
    rate_field=conns_s
    stop "$upstream_pid"
}

# ---- A cache that proxies share ---------------------------------------------

# The client speaks first, so that the proxy does not take it for a probe and wait; one at a time, so that none joins a fetch.
speak_load() { flood speak-first --send-bytes 1 --port "$1" --expect-file "$file" --conns 1 --time "$seconds" --check-every "$check_every"; }

# Each request a hit in Redis, for what the proxy keeps itself expires at once, against a fetch from the upstream each time.
measure_shared() {
    local server redis redis_pid upstream upstream_pid bytes
    if ! server=$(command -v redis-server || command -v valkey-server); then
        title 'shared: skipped, redis-server is not installed'
        return
    fi
    printf 'save ""\nappendonly no\n' >"$scratch/redis.conf"
    launch "$server $scratch/redis.conf --port {port}"
    redis=redis://127.0.0.1:$port redis_pid=$pid
    check_every=1
    for bytes in 600 3000 10000000; do
        poem "$bytes"
        launch "$build/limit {port} {file}" "$file"
        upstream=127.0.0.1:$port upstream_pid=$pid
        launch "$binary proxy --ttl forever --shared-cache $redis --port {port} $upstream"
        flood poem --port "$port" --expect-file "$file" --conns 1 --count 1 --time 60 >/dev/null
        stop "$pid"
        title "shared: $bytes-byte poem, a hit in Redis each time, 1 in flight; $pace; CPU seconds of the proxy for $(
            ((bytes < 1000000)) && echo '100,000 connections' || echo 'a GB')"
        if ((bytes < 1000000)); then table_of_loads conns/s 'CPU s'; else table_of_loads MB/s CPUs/GB; rate_field=mb_s; fi
        limit_name='proxy, ttl 0'
        compare speak_load "$((bytes < 1000000 ? 100000 : 100))" "$file" "$binary proxy --ttl 0 --port {port} $upstream" \
            "poetry, shared=$binary proxy --ttl 0.000001 --shared-cache $redis --port {port} $upstream"
        rate_field=conns_s
        stop "$upstream_pid"
    done
    poem 600
    in_flight=64
    launch "$build/limit {port} {file}" "$file"
    upstream=127.0.0.1:$port upstream_pid=$pid
    title "shared: 600-byte poem in memory, with --shared-cache against without, 64 in flight; $pace; CPU seconds for 100,000 connections"
    table_of_loads conns/s 'CPU s'
    limit_name='proxy, alone'
    compare poem_load 100000 "$file" "$binary proxy --port {port} $upstream" \
        "poetry, shared=$binary proxy --shared-cache $redis --port {port} $upstream"
    limit_name=limit.c
    stop "$upstream_pid"
    stop "$redis_pid"
}

# ---- Slow ------------------------------------------------------------------

drip_load() {
    flood drip --port "$1" --conns "$slow_clients" --time "$seconds_used" --delay 0.7 --chunk 10 --expect-file "$file"
}

measure_slow() {
    slow_clients=10000 seconds_used=8
    if $quick; then seconds_used=3; fi
    poem 100000
    title "slow: $slow_clients clients, 10 bytes each 0.7 s; $rounds rounds of $seconds_used s; CPU seconds for 100,000 pieces; ms: how far from 0.7 s"
    limit_name=limit_slow
    late=off_
    columns 15 8 5 7 5 6 6 6 6 5
    heads server pieces/s ratio 'CPU s' ratio 'p50 ms' 'p99 ms' p99.9 'top MB' 'vs it'
    compare drip_load 100000 "$file" "$build/limit_slow {port} {file} 10 0.7" \
        "poetry=$binary slow-serve --port {port} {file}" ${slow_peers[@]+"${slow_peers[@]}"}
    late='' seconds_used=$seconds limit_name=limit.c
}

# ---- Memory ----------------------------------------------------------------

# hold COUNT: sets held to the MB of the server at $port, $pid while so many clients hold a poem that they do not read.
hold() {
    local lines=$scratch/hold holder tries
    : >"$lines"
    flood hold --port "$port" --conns "$1" --time 2 --mss 1460 --rcvbuf 4096 --procs 2 >"$lines" 2>&1 &
    holder=$!
    pids+=("$holder")
    for ((tries = 0; tries < 6000; tries++)); do
        if grep -q ESTABLISHED "$lines" || ! kill -0 "$holder" 2>/dev/null; then break; fi
        sleep 0.01
    done
    # What is to be freed after the rush has a second for it.
    sleep 1
    held=$(memory_of "$pid" VmRSS)
    wait "$holder" || true
    alive=$(tail -n 1 "$lines" | json alive)
}

measure_idle() {
    local entry before cell row count
    poem 262144
    title 'idle: a 256 KB poem to clients that do not read; resident MB (alive at the end), bytes for each connection'
    columns 14 8 16 6 16 6
    heads server 'at start' '10,000 clients' each '19,000 clients' each
    for entry in "poetry=$binary serve --port {port} {file}" "limit.c=$build/limit {port} {file}" \
        ${poem_peers[@]+"${poem_peers[@]}"}; do
        row=()
        for count in 10000 19000; do
            launch "${entry#*=}" "$file" || { row=(- - - - -); break; }
            before=$(memory_of "$pid" VmRSS)
            hold "$count"
            [[ ${#row[@]} -gt 0 ]] || row=("$before")
            row+=("$(printf '%s (%s)' "${held:-died}" "${alive:-0}")")
            row+=("$(awk -v a="${held:-0}" -v b="$before" -v n="${alive:-0}" 'BEGIN { if (n > 0) printf "%.0f", (a - b) * 1e6 / n; else print "-" }')")
            stop "$pid"
        done
        cells "${entry%%=*}" "${row[@]}"
    done
}

measure_churn() {
    local entry at_start early late_mb many=1000000 count
    if $quick; then many=100000; fi
    poem 600
    title "churn: 600-byte poem, 64 in flight; resident MB after so many connections"
    columns 14 8 8 10 6 6
    heads server 'at start' 10000 "$many" ratio 'top MB'
    for entry in "poetry=$binary serve --port {port} {file}" "limit.c=$build/limit {port} {file}"; do
        launch "${entry#*=}" "$file"
        at_start=$(memory_of "$pid" VmRSS)
        flood poem --port "$port" --expect-file "$file" --conns 64 --count 10000 --time 60 >/dev/null
        early=$(memory_of "$pid" VmRSS)
        count=$((many - 10000))
        flood poem --port "$port" --expect-file "$file" --conns 64 --count "$count" --time 300 >/dev/null
        late_mb=$(memory_of "$pid" VmRSS)
        cells "${entry%%=*}" "$at_start" "$early" "$late_mb" \
            "$(awk -v a="$early" -v b="$late_mb" 'BEGIN { printf "%.2f", b / a }')" "$(memory_of "$pid" VmHWM)"
        stop "$pid"
    done
}

# ---- Get -------------------------------------------------------------------

# fetch SINK NAME: one run of 64 downloads; prints MB/s, CPU seconds for a GB and the most MB it took.
fetch() {
    local sink=$1 folder=$memory/poems took command=()
    rm -rf "$folder"
    mkdir "$folder"
    case $2/$sink in
        poetry/files) command=("$binary" get --quiet --output "$folder") ;;
        poetry/stdout) command=("$binary" get --quiet) ;;
        receive/files) command=("$build/receive" --output "$folder") ;;
        receive/stdout) command=("$build/receive") ;;
    esac
    took=$(${client_cpu[@]+"${client_cpu[@]}"} "$build/took" "${command[@]}" "${addresses[@]}")
    if [[ $sink == files && $(find "$folder" -name '*.txt' -size 10000000c | wc -l) -ne $downloads ]]; then
        echo "bench: $2 did not bring all poems" >&2
        return 1
    fi
    awk -v n="$downloads" '{ mb = n * 10; printf "%.1f %.4f %.1f\n", mb / $1 * 1e6, $2 / 1e6 / mb * 1000, $3 * 1024 / 1e6 }' <<<"$took"
}

measure_get() {
    local i m sink rows=$scratch/rows server_pid runs=$((rounds * 2))
    downloads=64 addresses=()
    poem 10000000
    launch "$build/limit {port} {file} --sendfile --addresses $downloads" "$file"
    server_pid=$pid
    for ((i = 1; i <= downloads; i++)); do addresses+=("127.0.0.$i:$port"); done
    title "get: $downloads poems of 10 MB at once, whole; $runs rounds; CPU seconds for a GB"
    columns 18 8 6 8 6 7
    heads receiver MB/s ratio CPUs/GB ratio 'top MB'
    for sink in files stdout; do
        : >"$rows"
        fetch "$sink" receive >/dev/null
        fetch "$sink" poetry >/dev/null
        for ((i = 0; i < runs; i++)); do
            printf '%s %s\n' "$(fetch "$sink" receive)" "$(fetch "$sink" poetry)" >>"$rows"
        done
        awk '{ print $0, $4 / $1, $5 / $2 }' "$rows" >"$rows.ratios"
        mapfile -t m < <(for ((i = 1; i <= 8; i++)); do median "$i" <"$rows.ratios"; done)
        cells "poetry get, $sink" "$(fixed 0 "${m[3]}")" "$(fixed 2 "${m[6]}")" "$(fixed 3 "${m[4]}")" "$(fixed 2 "${m[7]}")" "${m[5]}"
        cells "receive.c, $sink" "$(fixed 0 "${m[0]}")" 1.00 "$(fixed 3 "${m[1]}")" 1.00 "${m[2]}"
    done
    rm -rf "$memory/poems"
    stop "$server_pid"
}

# ---- Start and size --------------------------------------------------------

# starts MODE COMMAND: the ms of many starts, one a line. MODE is ready, or poem.
starts() {
    local i words word filled
    for ((i = 0; i < rounds * 4 + 1; i++)); do
        free_port
        read -ra words <<<"$2"
        filled=()
        for word in "${words[@]}"; do
            word=${word//'{port}'/$port}
            filled+=("${word//'{file}'/$file}")
        done
        "$build/first" "$1" "$port" 600 "${filled[@]}" || return 1
    done
}

measure_start() {
    local entry name times=$scratch/times ready
    poem 600
    title "start: ms from before the fork to the ready line, and to the first whole poem; $((rounds * 4 + 1)) starts each"
    columns 14 12 10 12 10
    heads server 'ready median' best 'poem median' best
    for entry in "poetry=$binary serve --port {port} {file}" "limit.c=$build/limit {port} {file}" \
        ${poem_peers[@]+"${poem_peers[@]}"}; do
        name=${entry%%=*}
        ready=(- -)
        if [[ $name == poetry ]]; then
            starts ready "${entry#*=}" >"$times"
            ready=("$(median 1 <"$times")" "$(best 1 <"$times")")
        fi
        starts poem "${entry#*=}" >"$times" 2>/dev/null || continue
        cells "$name" "${ready[@]}" "$(median 1 <"$times")" "$(best 1 <"$times")"
    done
}

measure_size() {
    title 'size'
    columns 14 10
    heads program bytes
    cells poetry "$(wc -c <"$binary")"
}

# ---- Where the time goes ---------------------------------------------------

# counted COLUMN FIELD COMMAND MODE FLAGS...: a server under a load of flood; its calls for each operation go to a file, and
# with perf also how the time is shared among the kernel, the program and the C library. strace slows the server, and a
# slow server meets other clients: it is used where there is no perf.
counted() {
    local column=$1 field=$2 command=$3 counts=$scratch/counts line n tracer tries run
    shift 3
    launch "$command" "$file"
    run=("$build/flood" "$@" --port "$port" --json ${flood_cpu[@]+"${flood_cpu[@]}"})
    "${run[@]}" >/dev/null
    if $has_perf; then
        line=$(perf stat -x, -o "$counts" -e "$watched" -p "$pid" "${run[@]}")
        n=$(json "$field" <<<"$line")
        awk -F, -v n="$n" '$1 > 0 { sub("syscalls:sys_enter_", "", $3); print $3, $1 / n }' "$counts" >"$scratch/calls.$column"
        # No clock of the processor in a virtual machine: the kernel's, a thousand times a second.
        perf record -q -e cpu-clock -F 1000 -o "$counts" -p "$pid" "${run[@]}" >/dev/null 2>&1
        perf report -i "$counts" --stdio --sort dso 2>/dev/null | awk '
            $1 ~ /^[0-9.]+%$/ { sub("%", "", $1); a[$2 ~ /kernel/ ? "kernel" : $2 ~ /^lib/ ? "libc" : $2 ~ /vdso/ ? "libc" : "program"] += $1 }
            END { for (k in a) print "%" k, a[k] }' >>"$scratch/calls.$column"
    else
        strace -f -c -o "$counts" -p "$pid" 2>/dev/null &
        tracer=$!
        pids+=("$tracer")
        for ((tries = 0; tries < 200; tries++)); do
            if grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$pid/status"; then break; fi
            sleep 0.01
        done
        n=$("${run[@]}" | json "$field")
        kill -INT "$tracer" 2>/dev/null || true
        wait "$tracer" 2>/dev/null || true
        awk -v n="$n" '$1 ~ /^[0-9.]+$/ && $NF != "total" { print $NF, $4 / n }' "$counts" >"$scratch/calls.$column"
    fi
    stop "$pid"
    counted_columns+=("$column")
}

measure_calls() {
    local upstream upstream_pid column call paths=()
    has_perf=false counted_columns=() watched=
    # The calls that a server may make while it serves: watching all calls takes a minute each time.
    for call in accept4 close shutdown recvfrom read recvmsg sendto write sendmsg sendfile64 epoll_ctl epoll_wait epoll_pwait2 \
        futex getsockopt setsockopt sched_yield madvise munmap mmap; do
        watched+=${watched:+,}syscalls:sys_enter_$call
    done
    if perf stat -x, -e syscalls:sys_enter_close true >/dev/null 2>&1; then has_perf=true
    elif ! command -v strace >/dev/null; then echo 'bench: calls needs perf or strace' >&2; return 1; fi
    poem 600
    local churn=(poem --conns 64 --time "$seconds" --expect-file "$file")
    counted limit.c finished "$build/limit {port} {file}" "${churn[@]}"
    counted 600 finished "$binary serve --port {port} {file}" "${churn[@]}"
    counted warn finished "$binary serve --log-level warn --port {port} {file}" "${churn[@]}"
    counted transf finished "$binary transform --port {port}" netstring --conns 64 --time "$seconds" --expect-file "$file"
    launch "$build/limit {port} {file}" "$file"
    upstream=127.0.0.1:$port upstream_pid=$pid
    counted proxy finished "$binary proxy --port {port} $upstream" "${churn[@]}"
    stop "$upstream_pid"
    poem 3000
    counted 3k finished "$binary serve --port {port} {file}" poem --conns 1000 --time "$seconds" --expect-file "$file"
    poem 10000000
    counted 10m finished "$binary serve --port {port} {file}" \
        poem --conns 16 --time "$seconds" --expect-file "$file" --check-every 8
    poem 100000
    counted slow arrivals "$binary slow-serve --port {port} {file}" \
        drip --conns 10000 --time 8 --delay 0.7 --expect-file "$file"
    title "calls: system calls for each operation (from 0.01 on), and per cent of the processor's time"
    columns 14 7 7 7 7 7 7 7 7
    heads '' "${counted_columns[@]}"
    for column in "${counted_columns[@]}"; do paths+=("$scratch/calls.$column"); done
    awk 'FNR == 1 { file++ }
        { v[$1, file] = $2; if ($2 >= 0.01) seen[$1] = 1; if ($2 > most[$1]) most[$1] = $2 }
        END {
            for (call in seen) {
                line = (call ~ /^%/ ? 1 : 0) "\t" most[call] "\t" call
                for (i = 1; i <= file; i++) line = line "\t" (v[call, i] >= 0.005 ? sprintf(call ~ /^%/ ? "%.0f" : "%.2f", v[call, i]) : "-")
                print line
            }
        }' "${paths[@]}" | sort -t "$(printf '\t')" -k 1,1n -k 2,2nr | cut -f 3- |
        while IFS=$'\t' read -r -a figures; do cells "${figures[@]/#%/% }"; done
}
