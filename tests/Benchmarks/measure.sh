# Sourced by run: processes, their processor time and memory, medians and tables. No workload is known here.

cc=$(command -v gcc || command -v clang) || { echo 'bench: gcc or clang is needed' >&2; exit 1; }

compile_c() {
    local source name
    for source in "$here"/*.c; do
        name=$(basename "$source" .c)
        [[ $build/$name -nt $source ]] || "$cc" -O2 -o "$build/$name" "$source"
    done
}

# ---- Processes: whatever ends this script ends them -------------------------

pids=()
scratch=$(mktemp -d "$build/run.XXXXXX")
# Files that are measured by their bytes, not by their disk.
memory=$scratch
if [[ -d /dev/shm && -w /dev/shm ]]; then memory=$(mktemp -d /dev/shm/poetry-bench.XXXXXX); fi

clean_up() {
    local pid
    for pid in ${pids[@]+"${pids[@]}"}; do kill -KILL "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$scratch" "$memory"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# The hard limit is what the descriptors of 19,000 clients need.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

# The server on the first processor and the client on the second, where there are two and taskset can say so.
server_cpu=()
client_cpu=()
flood_cpu=()
if [[ $(nproc) -ge 2 ]] && command -v taskset >/dev/null; then
    server_cpu=(taskset -c 0)
    client_cpu=(taskset -c 1)
    flood_cpu=(--cpu 1)
fi

is_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port below the range that the kernel gives to clients, and never one twice: the connections of the last may linger there.
last_port=$((20000 + RANDOM % 8000))
free_port() {
    while is_open $((++last_port)); do :; done
    port=$last_port
}

# launch COMMAND [FILE]: sets port and pid. One word of the command is one argument; there is no shell.
launch() {
    local word words filled=()
    free_port
    read -ra words <<<"$1"
    for word in "${words[@]}"; do
        word=${word//'{port}'/$port}
        filled+=("${word//'{file}'/${2:-}}")
    done
    ${server_cpu[@]+"${server_cpu[@]}"} "${filled[@]}" >/dev/null 2>&1 &
    pid=$!
    pids+=("$pid")
    for ((tries = 0; tries < 1000; tries++)); do
        if is_open "$port"; then return; fi
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.01
    done
    echo "bench: did not start: ${filled[*]}" >&2
    return 1
}

# stop PID: asks the process to end; it is killed if it takes long.
stop() {
    local tries
    kill "$1" 2>/dev/null || true
    for ((tries = 0; tries < 200; tries++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.01
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# cpu PID: nanoseconds of processor time of all its threads. Where the scheduler does not tell, hundredths of a second.
cpu() {
    local total
    total=$(cat "/proc/$1"/task/*/schedstat 2>/dev/null | awk '{ s += $1 } END { printf "%.0f", s }')
    if [[ ${total:-0} == 0 ]]; then
        total=$(awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); printf "%.0f", ($12 + $13) * 1e9 / hz }' "/proc/$1/stat")
    fi
    echo "$total"
}

# memory_of PID FIELD: VmRSS or VmHWM in MB (of a million bytes).
memory_of() { awk -v f="$2:" '$1 == f { printf "%.1f", $2 * 1024 / 1e6 }' "/proc/$1/status"; }

# json FIELD: of one line of flood.
json() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

# ---- Figures ---------------------------------------------------------------

# median COLUMN of standard input
median() { awk -v c="$1" '{ print $c }' | sort -g | awk '{ a[NR] = $1 } END { print NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2 }'; }

# best COLUMN: the least
best() { awk -v c="$1" '{ print $c }' | sort -g | head -n 1; }

# fixed DIGITS FIGURE
fixed() { printf '%.*f' "$1" "$2"; }

widths=()

# title TEXT
title() { if $markdown; then printf '\n### %s\n\n' "$1"; else printf '\n%s\n' "$1"; fi; }

# columns WIDTH...: of the cells that follow; the first is a name, the others are figures.
columns() { widths=("$@"); }

# cells TEXT...: one row
cells() {
    local i line=''
    for ((i = 0; i < ${#widths[@]}; i++)); do
        if ((i == 0)); then line=$(printf '%-*s' "${widths[0]}" "$1")
        elif $markdown; then line+=$(printf ' | %*s' "${widths[i]}" "${1:-}")
        else line+=$(printf '  %*s' "${widths[i]}" "${1:-}"); fi
        shift || true
    done
    if $markdown; then printf '| %s |\n' "$line"; else printf '  %s\n' "$line"; fi
}

# heads TEXT...: the first row
heads() {
    local width line=''
    cells "$@"
    if $markdown; then
        for width in "${widths[@]}"; do
            if [[ -z $line ]]; then line="|-$(printf '%*s' "$width" '' | tr ' ' -)-|"
            else line+="-$(printf '%*s' "$width" '' | tr ' ' -):|"; fi
        done
        printf '%s\n' "$line"
    fi
}

describe_machine() {
    local model memory_gb
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    memory_gb=$(awk '/^MemTotal/ { printf "%.0f", $2 / 1e6 }' /proc/meminfo)
    printf '%s x %s, %s GB, Linux %s; %s rounds; load before: %s\n' "$(nproc)" "${model:-$(uname -m)}" "$memory_gb" \
        "$(uname -r)" "$rounds" "$(cut -d ' ' -f 1 /proc/loadavg)"
    if $peers; then printf 'Peers that are not here: %s.\n' "${missing:-none}"; fi
}

# ---- Comparing -------------------------------------------------------------

# once PID PORT LOAD UNIT: one run of `LOAD PORT`, a function that prints a line of flood. Prints operations (or MB) a
# second, CPU seconds for UNIT operations, and p50, p99 and p99.9 in ms.
once() {
    local before after line
    before=$(cpu "$1")
    line=$("$3" "$2") || { echo "bench: bad deliveries: $line" >&2; return 1; }
    after=$(cpu "$1")
    awk -v ns=$((after - before)) -v unit="$4" -v n="$(json finished <<<"$line")" -v chunks="$(json arrivals <<<"$line")" \
        -v rate="$(json "$rate_field" <<<"$line")" -v seconds="$seconds_used" \
        -v p50="$(json "${late}p50_us" <<<"$line")" -v p99="$(json "${late}p99_us" <<<"$line")" \
        -v p999="$(json "${late}p999_us" <<<"$line")" 'BEGIN {
            if (n == "") { n = chunks; rate = chunks / seconds }
            printf "%.1f %.4f %.3f %.3f %.3f\n", rate, ns / 1e9 / (n ? n : 1) * unit, p50 / 1e3, p99 / 1e3, p999 / 1e3 }'
}

# compare LOAD UNIT FILE LIMIT NAME=COMMAND...: each beside the limit, in alternation; prints the rows of a table. The first
# of them is poetry, whose CPU is set against each in the last column.
compare() {
    local load=$1 unit=$2 file=$3 limit=$4 rows=$scratch/rows peaks=$scratch/peaks
    local entry name limit_pid limit_port our_pid our_port theirs ours i
    shift 4
    : >"$rows"
    : >"$peaks"
    launch "$limit" "$file"
    limit_pid=$pid limit_port=$port
    once "$limit_pid" "$limit_port" "$load" "$unit" >/dev/null
    for entry in "$@"; do
        name=${entry%%=*}
        if ! launch "${entry#*=}" "$file"; then
            [[ $name == poetry* ]] && exit 1
            continue
        fi
        our_pid=$pid our_port=$port
        # The first run of a process is not like the others.
        if ! once "$our_pid" "$our_port" "$load" "$unit" >/dev/null; then
            [[ $name == poetry* ]] && exit 1
            stop "$our_pid"
            continue
        fi
        for ((i = 0; i < rounds; i++)); do
            theirs=$(once "$limit_pid" "$limit_port" "$load" "$unit")
            ours=$(once "$our_pid" "$our_port" "$load" "$unit")
            printf '%s\t%s %s\n' "$name" "$ours" "$theirs" >>"$rows"
        done
        printf '%s\t%s\n' "$name" "$(memory_of "$our_pid" VmHWM)" >>"$peaks"
        stop "$our_pid"
    done
    printf '%s\t%s\n' "$limit_name" "$(memory_of "$limit_pid" VmHWM)" >>"$peaks"
    stop "$limit_pid"
    rows_of "$rows" "$peaks" | while IFS=$'\t' read -r -a figures; do cells "${figures[@]}"; done
}

# rows_of ROWS PEAKS: medians, and medians of the ratios of neighbours; poetry first, then the limit, then the others.
rows_of() {
    awk -F '\t' -v limit="$limit_name" '
        function median(a, n,   i, j, t) {
            for (i = 2; i <= n; i++) { t = a[i]; for (j = i - 1; j > 0 && a[j] > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
            return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
        }
        function column(name, c,   i, n, a) {
            for (i = 1; i <= count[name]; i++) a[++n] = value[name, i, c]
            return median(a, n)
        }
        function digits(x) { return x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f" }
        function show(name, ops, cpu,   c, line) {
            line = name "\t" sprintf(column(name, 1) >= 100 ? "%.0f" : "%.1f", column(name, 1)) "\t" sprintf("%.2f", ops)
            line = line "\t" sprintf("%.3f", column(name, 2)) "\t" sprintf("%.2f", cpu)
            for (c = 3; c <= 5; c++) line = line "\t" sprintf(digits(column(name, c)), column(name, c))
            print line "\t" peak[name] "\t" (cpu > 0 ? sprintf("%.2f", first / cpu) : "-")
        }
        FNR == NR { peak[$1] = $2; next }
        {
            split($2, f, " ")
            if (!count[$1]++) order[++names] = $1
            k = count[$1]
            for (c = 1; c <= 5; c++) value[$1, k, c] = f[c]
            value[$1, k, 6] = f[6] > 0 ? f[1] / f[6] : 0
            value[$1, k, 7] = f[7] > 0 ? f[2] / f[7] : 0
            k = ++count[limit]
            for (c = 1; c <= 5; c++) value[limit, k, c] = f[c + 5]
        }
        END {
            first = column(order[1], 7)
            show(order[1], column(order[1], 6), first)
            show(limit, 1, 1)
            for (i = 2; i <= names; i++) show(order[i], column(order[i], 6), column(order[i], 7))
        }' "$2" "$1"
}
