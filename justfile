# What people type. Each recipe calls a script that also works by itself, without just.

# Lists the recipes.
default:
    @just --list

# Imports real purchases, runs a seeded SaaS book, prints the figures, audits itself.
demo *arguments:
    ./scripts/demo {{arguments}}

# Plays the published cases of vendors and prints how many come out as published.
cases:
    ./scripts/cases

# Runs every test.
test *arguments:
    ./scripts/test {{arguments}}

# Plays 100,000 random histories, or as many as given, and holds them to the laws; for the night.
histories *arguments:
    ./scripts/histories {{arguments}}

# Erases 1,000 of 10,000 customers, or of as many as given, and looks for them; for the night.
erasure *arguments:
    ./scripts/erasure {{arguments}}

# Plays the same on an earlier revision and on this tree and compares every answer; for refactors.
compare *arguments:
    ./scripts/compare-with {{arguments}}

# Counts arms that only ignore, and the files that one new event or command touches.
count *arguments:
    ./scripts/count {{arguments}}

# Adds one price model, event, command, read model, process and counts the files; for the night.
grow *arguments:
    ./scripts/grow {{arguments}}

# What takes too long for CI: histories, erasure, growth.
nightly: histories erasure grow

# Format, clippy, documentation, purity.
lint:
    ./scripts/lint

# Formats the code.
fmt:
    cargo fmt --all

# Builds the documentation of the crates.
docs:
    cargo doc --workspace --no-deps --document-private-items --locked

# Builds the pure crates by themselves.
purity:
    ./scripts/purity

# Measures commands, restart and rebuild; `just bench nats` over NATS, `just bench age` by age.
bench *arguments:
    ./scripts/bench {{arguments}}

# Rewrites checked-in files that tests compare.
bless:
    ./scripts/bless

# What CI runs.
ci:
    bash .ci/run
