# Where the scripts keep their tools, and which Rust makes components. Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${SOCKLET_TOOLS:-$HOME/.cache/socklet/tools}
venv=$tools/venv
export PATH=$tools/bin:$venv/bin:$PATH

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$*"; exit 1; }

# The path of the Python 2.7 that the Autobahn suite runs on: that on PATH, or pyenv's.
python27() {
    local python check='import sys; assert sys.version_info[:3] == (2, 7, 18); print(sys.executable)'
    # The one on PATH may be pyenv's stand-in, which finds none.
    for python in python2.7 "$(pyenv root 2>/dev/null)/versions/2.7.18/bin/python2.7"; do
        "$python" -c "$check" 2>/dev/null && return
    done
    return 1
}

# The way Rust guests are built: a target of rustup's where there is one, else
# Debian's compiler, which comes with the standard library's source. It can be
# chosen with SOCKLET_GUEST_RUST.
guest_rust() {
    if [ -n "${SOCKLET_GUEST_RUST:-}" ]; then
        echo "$SOCKLET_GUEST_RUST"
        return
    fi
    local libraries
    libraries=$(rustc --print sysroot)/lib/rustlib
    for target in wasm32-wasip2 wasm32-unknown-unknown; do
        if [ -d "$libraries/$target" ]; then
            echo "$target"
            return
        fi
    done
    echo debian
}
