#!/usr/bin/env bash
# One word each; ./build.sh help lists them. Needed: the .NET 10 SDK, clang or gcc, git. Nothing else, and no Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
# A build server left behind would keep the pipe open through which this script's output is read.
export MSBUILDDISABLENODEREUSE=1

binary=dist/poetry
artifacts=$PWD/artifacts

help() {
    cat <<'WORDS'
./build.sh             builds dist/poetry, one native executable
./build.sh test [...]  builds it if need be and runs all tests; arguments go to the test runner: --filter 'FullyQualifiedName~Netstring'
./build.sh torture     fails every system call of every command in turn, and checks what each promises (9 minutes)
./build.sh fuzz [--seconds N] [--seed S]  sends broken input to every port, and broken poems to get and proxy
./build.sh demo        starts servers, fetches poems from them and compares every byte
./build.sh bench [...] measures it beside minimal programs in C; bench --help lists the choices
./build.sh bench deferred|netstring|timers|log  measures a part of the engine by itself
./build.sh traces [DIR]  replays the recorded traces of Twisted's deferreds
./build.sh scale [PROXIES...]  simulates fleets of proxies with and without a shared cache: the table of docs/scale.md
./build.sh static      builds dist/poetry-static, which needs no C library
./build.sh pack        makes dist/Poetry.Net.VERSION.nupkg, the engine as a package for other programs
./build.sh release     makes what people install, in dist: a tarball, a .deb, an .rpm, an SBOM, that package, SHA256SUMS
./build.sh release --check  makes it once more in another folder and compares every byte
./build.sh docs        writes the reference of that package and the guide to dist/docs
./build.sh man         writes the manual pages to dist/man/man1
./build.sh clean       removes dist and artifacts
./build.sh help        prints this
WORDS
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}

# The name that .NET has for this system.
system_rid() {
    local os cpu
    case $(uname -s) in
        Linux)
            os=linux
            if ldd --version 2>&1 | grep -qi musl; then os=linux-musl; fi
            ;;
        Darwin) os=osx ;;
        FreeBSD) os=freebsd ;;
        MINGW* | MSYS* | CYGWIN*) os=win ;;
        *) fail "which system is $(uname -s)? Set POETRY_RID to its .NET runtime identifier." ;;
    esac
    case $(uname -m) in
        x86_64 | amd64) cpu=x64 ;;
        aarch64 | arm64) cpu=arm64 ;;
        *) fail "which processor is $(uname -m)? Set POETRY_RID to the .NET runtime identifier." ;;
    esac
    echo "$os-$cpu"
}

c_compiler() {
    if command -v clang >/dev/null; then echo clang
    elif command -v gcc >/dev/null; then echo gcc
    else fail 'the native compiler links with clang or gcc: install one of them'
    fi
}

# In CI the packages are those of the lock file, or the restore fails.
locked() {
    if [[ -n ${CI:-} && -f $1 ]]; then echo '-p:RestoreLockedMode=true'; fi
}

# publish TARGET [property...]: the executable alone is moved into place, so that a copy that runs is left in peace. Each
# target has an obj folder of its own: the linker's step looks at its files, not at its options, to see if it is needed.
publish() {
    local target=$1 rid cc out native
    shift
    rid=${POETRY_RID:-$(system_rid)}
    cc=$(c_compiler)
    native=$artifacts/native/${target##*/}
    out=$native/out/$rid
    say "Building $target for $rid, linked by $cc."
    rm -rf "$out"
    # shellcheck disable=SC2046 # none or one word
    dotnet publish poetry.csproj -r "$rid" -o "$out" -v:quiet -warnaserror \
        -p:PoetryPublish=true -p:ArtifactsPath="$native" -p:CppCompilerAndLinker="$cc" \
        $(locked "packages.$rid.lock.json") "$@"
    mkdir -p dist
    if [[ -f $out/poetry.exe ]]; then
        mv -f "$out/poetry.exe" "$target.exe"
    else
        mv -f "$out/poetry" "$target"
        say "$target: $(wc -c <"$target" | tr -d ' ') bytes."
    fi
}

build() { publish "$binary"; }

# Without ASLR for the image: a static position-independent executable does not link with every toolchain.
static() {
    publish "$binary-static" -p:StaticExecutable=true -p:PositionIndependentExecutable=false -p:ObjCopyName=objcopy
}

# A page for the program and one for each command that its help lists.
man() {
    local command
    build_if_older
    mkdir -p dist/man/man1
    "$binary" help --man >dist/man/man1/poetry.1
    for command in $("$binary" help | sed -n '/^Commands:$/,/^$/s/^  \([a-z-]*\) .*/\1/p'); do
        "$binary" help --man "$command" >"dist/man/man1/poetry-$command.1"
    done
    say "$(find dist/man/man1 -name '*.1' | wc -l | tr -d ' ') manual pages in dist/man/man1."
}

build_if_older() {
    if [[ ! -x $binary || -n $(find Program.cs poetry.csproj Substitutions.xml THIRD-PARTY-NOTICES Directory.Build.props global.json Reactor Protocols Commands \
        -newer "$binary" -type f -print -quit 2>/dev/null) ]]; then
        build
    fi
}

# The counts are the test platform's own; a run that never came so far counts as one failure.
summarize() {
    awk '
        FNR == 1 { missing += 1 }
        /^ *total: [0-9]+$/ { missing -= 1 }
        /^ *succeeded: [0-9]+$/ { passed += $2 }
        /^ *failed: [0-9]+$/ { failed += $2 }
        /^ *skipped: [0-9]+$/ { skipped += $2 }
        END { printf "%d passed, %d failed, %d skipped\n", passed, failed + missing, skipped }' "$@"
}

# run_part NAME ARGUMENT...: one process of tests, with its log and results in files of that name.
run_part() {
    local name=$1
    shift
    say "$name"
    POETRY_BINARY=$PWD/$binary artifacts/bin/poetry.tests/debug/poetry.tests --progress off --ansi off --timeout 12m \
        --results-directory "$artifacts/test-results" --report-trx --report-trx-filename "$name.trx" \
        --crashdump --crashdump-type Mini --hangdump --hangdump-type Mini --hangdump-timeout 5m "$@" 2>&1
}

# All tests run in two processes at once: those of the executable mostly wait for it, the others mostly compute.
run_tests() {
    local log=$artifacts/tests.log status=0 other
    mkdir -p "$artifacts"
    # shellcheck disable=SC2046 # none or one word
    dotnet build tests -v:quiet -clp:ErrorsOnly $(locked tests/packages.lock.json)
    if [[ $# -gt 0 ]]; then
        run_part tests "$@" | tee "$log" || status=$?
        summarize "$log"
        return "$status"
    fi

    # With job control the process in the background does not ignore SIGINT, which its tests send.
    set -m
    run_part library-tests --filter 'FullyQualifiedName!~Poetry.Tests.Native' >"$log" &
    other=$!
    set +m
    trap 'kill -- "-$other" 2>/dev/null' EXIT
    run_part native-tests --filter 'FullyQualifiedName~Poetry.Tests.Native' | tee "$artifacts/native-tests.log" || status=$?
    wait "$other" || status=$?
    trap - EXIT
    cat "$log"
    summarize "$log" "$artifacts/native-tests.log"
    return "$status"
}

tests() {
    local log=$artifacts/test.log status=0
    mkdir -p "$artifacts"
    # shellcheck disable=SC2046 # none or one word
    POETRY_BINARY=$PWD/$binary dotnet test --project tests --no-progress --timeout 12m $(locked tests/packages.lock.json) \
        --results-directory "$artifacts/test-results" --report-trx --report-trx-filename tests.trx \
        --crashdump --crashdump-type Mini --hangdump --hangdump-type Mini --hangdump-timeout 5m "$@" \
        2>&1 | tee "$log" || status=$?
    summarize "$log"
    return "$status"
}

tests() {
    trap 'say "0 passed, 1 failed, 0 skipped"' EXIT
    build_if_older
    trap - EXIT
    run_tests "$@"
}

torture() {
    build_if_older
    dotnet build tests -v:quiet -clp:ErrorsOnly
    POETRY_TORTURE=full POETRY_BINARY=$PWD/$binary exec artifacts/bin/poetry.tests/debug/poetry.tests \
        --filter 'FullyQualifiedName~TortureTests' --output detailed --no-progress "$@"
}

fuzz() {
    local seconds=60
    while [[ $# -gt 0 ]]; do
        case $1 in
            --seconds) seconds=${2:?} ;;
            --seed) export POETRY_SEED=${2:?} ;;
            *) fail "fuzz: unknown option \"$1\"; there are --seconds N and --seed S" ;;
        esac
        shift 2
    done
    build_if_older
    dotnet build tests -v:quiet -clp:ErrorsOnly
    POETRY_FUZZ_SECONDS=$((seconds / 5 + 1)) POETRY_BINARY=$PWD/$binary exec artifacts/bin/poetry.tests/debug/poetry.tests \
        --filter 'FullyQualifiedName~Native.FuzzTests' --output detailed --no-progress
}

traces() {
    dotnet build tests -v:quiet -clp:ErrorsOnly
    exec artifacts/bin/poetry.tests/debug/poetry.tests traces "$@"
}

scale() {
    dotnet build tests -v:quiet -clp:ErrorsOnly
    exec artifacts/bin/poetry.tests/debug/poetry.tests scale "$@"
}

demo() {
    build_if_older
    POETRY_BINARY=$PWD/$binary exec tests/demo
}

# The small benchmarks: beside .NET's own on the JIT compiler, and then compiled as what is shipped.
small_bench() {
    local rid out native=$artifacts/native/benchmarks
    rid=${POETRY_RID:-$(system_rid)}
    out=$native/out/$rid
    # shellcheck disable=SC2046 # none or one word
    dotnet publish tests/Benchmarks/poetry.benchmarks.csproj -r "$rid" -o "$out" -v:quiet \
        -p:PoetryPublish=true -p:ArtifactsPath="$native" -p:CppCompilerAndLinker="$(c_compiler)" \
        $(locked "tests/Benchmarks/packages.$rid.lock.json")
    dotnet run -c Release --project tests/Benchmarks -v:quiet -- "$1" "$artifacts/benchmarks/jit"
    "$out/poetry.benchmarks" "$1"
}

bench() {
    case ${1:-} in
        deferred | netstring | timers | log)
            small_bench "$1"
            return
            ;;
    esac
    build_if_older
    POETRY_BINARY=$PWD/$binary exec tests/Benchmarks/run "$@"
}

# What is packed has the time of the commit, so that two builds are equal.
use_commit_time() { export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}; }

# The engine as a package, and its symbols.
pack() {
    use_commit_time
    # shellcheck disable=SC2046 # none or one word
    dotnet pack package/Poetry.Net.csproj -c Release -o dist -v:quiet -warnaserror $(locked package/packages.lock.json) "$@"
    ls dist/Poetry.Net.*nupkg
}

# The folder of the second build has another path, of another length.
release() {
    local word=${1:-} work status=0
    [[ -z $word || $word == --check ]] || fail "release: unknown option \"$word\"; there is --check"
    [[ $(uname -s) == Linux ]] || fail 'release: packages are made on Linux'
    [[ -z $word || -z $(git status --porcelain) ]] || fail 'release --check compares with a clone: commit first'
    rm -f dist/Poetry.Net.*
    build
    pack
    use_commit_time
    release/make "$binary" dist
    (cd dist && sha256sum -- *.tar.gz *.deb $(ls -- *.rpm 2>/dev/null) *.cdx.json *.nupkg *.snupkg >SHA256SUMS && cat SHA256SUMS)
    [[ -n $word ]] || return 0
    work=$(mktemp -d)
    git clone -q . "$work/in/another/folder"
    (cd "$work/in/another/folder" && ./build.sh release) >"$artifacts/release-check.log" 2>&1 || status=$?
    if [[ $status -eq 0 ]] && diff dist/SHA256SUMS "$work/in/another/folder/dist/SHA256SUMS" && cmp "$binary" "$work/in/another/folder/$binary"; then
        say 'Equal, bit by bit, to those of a build in another folder.'
    else
        fail "release --check: the second build is in $work, its output in artifacts/release-check.log"
    fi
    rm -rf "$work"
}

# The reference by docfx, a tool that is restored from the manifest in docs/.
docs() {
    dotnet build package/Poetry.Net.csproj -c Release -v:quiet -warnaserror
    (cd docs && dotnet tool restore -v:quiet && dotnet docfx docfx.json --warningsAsErrors --logLevel warning)
    say 'dist/docs/index.html'
}

clean() { rm -rf dist artifacts; }

word=${1:-build}
[[ $# -gt 0 ]] && shift
case $word in
    build) build ;;
    test) tests "$@" ;;
    demo) demo ;;
    bench) bench "$@" ;;
    torture) torture "$@" ;;
    fuzz) fuzz "$@" ;;
    traces) traces "$@" ;;
    scale) scale "$@" ;;
    pack) pack "$@" ;;
    release) release "$@" ;;
    docs) docs ;;
    static) static ;;
    man) man ;;
    clean) clean ;;
    help | -h | --help) help ;;
    *)
        printf 'build.sh: unknown command "%s"; commands:\n' "$word" >&2
        help >&2
        exit 2
        ;;
esac
