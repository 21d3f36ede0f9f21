# Sourced by the scripts beside it: finds what they need, or says how to get it.

# Prints a sentence for the person at the terminal and stops.
stop() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# Cargo and a linker. Cargo itself refuses a compiler older than the workspace's rust-version.
need_rust() {
    if ! command -v cargo >/dev/null && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH="$HOME/.cargo/bin:$PATH"
    fi
    command -v cargo >/dev/null ||
        stop "cargo is not installed; get Rust 1.95 or later from https://rustup.rs"
    command -v cc >/dev/null ||
        stop "there is no linker; on Debian: apt-get install gcc libc6-dev"
}

# A component of the Rust toolchain, such as clippy.
need_component() {
    local component=$1 command=$2
    cargo "$command" --version >/dev/null 2>&1 && return
    command -v rustup >/dev/null ||
        stop "cargo $command is not installed; install the Rust component $component"
    echo "installing the Rust component $component" >&2
    rustup component add "$component"
}
