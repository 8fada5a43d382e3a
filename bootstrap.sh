#!/usr/bin/env bash
# bootstrap.sh build | test | demo | bench - everything from a bare Debian 12: installs the missing packages, then works in build/.
#   build  build/release/bin/salina, lib/libsalina.so, plugin/salina/ and salina-<version>.zip
#   test   builds and runs every test: native, Python, QGIS, without the optional libraries, and under the sanitizers
#   demo   makes a delta, builds stacks, trains, maps, and prints the measured skill
#   bench  measures the figures of the design and writes build/release/bench.json
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

build_packages=(cmake ninja-build gcc g++ pkg-config libgdal-dev libproj-dev libopenblas-dev liblapacke-dev libdnnl-dev libjson-c-dev
    qtbase5-dev qttools5-dev-tools libqt5svg5-dev libqwt-qt5-dev fonts-dejavu-core libxgboost-dev libsvm-dev libopenmpi-dev qgis python3-qgis gdal-bin)
test_packages=(libcmocka-dev python3-pytest python3-torch python3-sklearn python3-scipy xvfb xdotool clang libomp-14-dev libclang-rt-14-dev)

install_packages() {
    local missing=() as_root=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "These packages are missing and sudo is not there to install them: ${missing[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    echo "== installing ${missing[*]}"
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# build <preset> [target ...]
build() {
    local preset=$1
    shift
    cmake --preset "$preset" -DSALINA_TESTS=ON >/dev/null && ninja -C "build/$preset" "$@" >"build/$preset.log" || {
        cat "build/$preset.log"
        return 1
    }
}

failures=()

# stage <words> <command ...>: runs a part of the tests, remembers whether it failed, goes on.
stage() {
    local title=$1 begun=$SECONDS
    shift
    echo "== $title"
    if "$@"; then echo "== $title: passed in $((SECONDS - begun)) s"; else
        failures+=("$title")
        echo "== $title: FAILED after $((SECONDS - begun)) s"
    fi
}

native_tests() { # native_tests <preset> [pattern]
    (cd "build/$1" && ctest --output-on-failure -j "$(nproc)" -LE python ${2:+-R "$2"} | grep -vE '^ *Start|^ *[0-9]+/[0-9]+ Test.*Passed')
}

python_tests() {
    SALINA_BUILD="$PWD/build/release" SALINA_PLUGIN="$PWD/build/release/plugin" QT_QPA_PLATFORM=offscreen PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 -m pytest -q -p no:cacheprovider "$@"
}

sanitized() { # sanitized <preset> [pattern]
    build "$1" && native_tests "$1" "${2:-}"
}

fuzzed() {
    build fuzz fuzz_programs && native_tests fuzz '^fuzz/'
}

run_tests() {
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=suppressions=$PWD/tests/sanitizers/leaks.txt:print_suppressions=0
    export TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=$PWD/tests/sanitizers/threads.txt
    stage "build" build release
    stage "native tests" native_tests release
    for folder in tests/native tests/oracle tests/qgis; do
        [ -z "$(find "$folder" -name 'test_*.py' -print -quit)" ] || stage "Python tests in $folder" python_tests "$folder"
    done
    stage "without oneDNN, XGBoost, LIBSVM and Qt" sanitized plain '^(base|tensor|kernels|graph|layers|baselines)/'
    stage "address and undefined behaviour sanitizers" sanitized asan
    stage "fuzzing, a minute for each reader" fuzzed
    stage "thread sanitizer" sanitized tsan '^(base|kernels|graph|map)/'
    if [ ${#failures[@]} -gt 0 ]; then
        printf '\nFAILED: %s\n' "${failures[@]}"
        return 1
    fi
    printf '\nAll tests passed in %d s\n' "$SECONDS"
}

case "${1:-}" in
build)
    install_packages "${build_packages[@]}"
    cmake --preset release -DSALINA_TESTS=OFF
    ninja -C build/release
    echo "build/release/bin/salina"
    ls build/release/salina-*.zip
    ;;
test)
    install_packages "${build_packages[@]}" "${test_packages[@]}"
    run_tests
    ;;
demo)
    bash "$0" build
    install_packages python3-gdal python3-numpy python3-sklearn
    bash tests/demo/run_demo.sh
    ;;
bench)
    install_packages "${build_packages[@]}" "${test_packages[@]}"
    build release
    env -u OPENBLAS_CORETYPE /usr/bin/python3 tests/bench/run.py --output build/release/bench.json
    ;;
*)
    sed -n '2,7s/^# //p' "$0" >&2
    exit 2
    ;;
esac
