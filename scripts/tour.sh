#!/usr/bin/env bash
# The tour of the README: a server in the background, a second shell that uses it.
# Prints every command and its output. BILLFOLD names the binary; it is built if left out.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${BILLFOLD:-}" ]; then
    . scripts/toolchain.sh
    need_rust
    cargo build --release --locked --package billfold >&2
    BILLFOLD="${CARGO_TARGET_DIR:-target}/release/billfold"
fi
BILLFOLD="$(realpath "$BILLFOLD")"

work="$(mktemp -d)"
server=
cleanup() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

billfold() { "$BILLFOLD" "$@"; }
export BILLFOLD_OUTPUT=table

# Prints a command as it is typed, then runs it.
step() {
    local typed
    typed="$(cat)"
    printf '$ %s\n' "$typed"
    eval "$typed"
    printf '\n'
}

printf '$ billfold up --test-clock 2026-01-01T09:00:00Z\n'
"$BILLFOLD" up --test-clock 2026-01-01T09:00:00Z >up.out &
server=$!
for _ in $(seq 600); do
    if [ -s up.out ] || ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
done
cat up.out
printf '\n'

echo '# A second shell: a seller, two plans, a customer. Ids come from the client.'
step <<'EOF'
SELLER=$(billfold id entity) STARTER=$(billfold id plan) PRO=$(billfold id plan)
EOF
step <<'EOF'
billfold submit entity.define entity=$SELLER name='Example Software' zone=Europe/Berlin \
    payment_terms_days=14 series='[{"code":"inv","kind":"invoice","prefix":"INV","digits":4}]'
EOF
step <<'EOF'
billfold submit plan.define plan=$STARTER name=Starter every.count=1 every.unit=month \
    timing=in_advance prices='[{"price":"fee","amounts":[{"currency":"EUR","rate":{"flat":"20"}}]}]'
EOF
step <<'EOF'
billfold submit plan.define plan=$PRO name=Pro every.count=1 every.unit=month \
    timing=in_advance prices='[{"price":"fee","amounts":[{"currency":"EUR","rate":{"flat":"50"}}]}]'
EOF
step <<'EOF'
CUSTOMER=$(billfold id customer) SUBSCRIPTION=$(billfold id subscription)
EOF
step <<'EOF'
billfold submit customer.register customer=$CUSTOMER entity=$SELLER name='First Customer' \
    external_id=crm-1 currency=EUR
EOF
echo '# January: the subscription begins and is invoiced at once.'
step <<'EOF'
billfold submit subscription.create customer=$CUSTOMER subscription=$SUBSCRIPTION \
    plan=$STARTER invoice=now
EOF
echo '# Ten days later: an upgrade in mid-cycle, and a discount for three cycles.'
step <<'EOF'
billfold submit book.advance_clock to=2026-01-11T09:00:00Z
EOF
step <<'EOF'
billfold submit subscription.change_plan customer=$CUSTOMER subscription=$SUBSCRIPTION \
    plan=$PRO when=now --reason 'asked for by phone'
EOF
step <<'EOF'
billfold submit discount.apply customer=$CUSTOMER discount=$(billfold id discount) \
    on.subscription=$SUBSCRIPTION value.percent=10 duration.cycles=3
EOF
echo '# February: billing.'
step <<'EOF'
billfold submit book.advance_clock to=2026-02-01T09:00:00Z
EOF
step <<'EOF'
billfold submit billing.run run=$(billfold id billing_run) through=2026-02-01
EOF
echo '# A payment arrives. The position that it got is what the queries must have seen.'
step <<'EOF'
POSITION=$(billfold submit payment.record customer=$CUSTOMER payment=$(billfold id payment) \
    amount=60.00:EUR method=transfer --field position)
EOF
step <<'EOF'
billfold query invoices list customer=$CUSTOMER order=oldest_first --at-least $POSITION
EOF
step <<'EOF'
billfold query invoices get number=INV-0002 --at-least $POSITION
EOF
echo '# Why is a line what it is? Down to the events, the price, the days and each rounding.'
step <<'EOF'
billfold explain INV-0002 1
EOF
step <<'EOF'
billfold query revenue waterfall --at-least $POSITION
EOF
step <<'EOF'
billfold query balances statement customer=$CUSTOMER --at-least $POSITION
EOF
echo '# What would a command do? Decided on a copy; the token commits exactly what is shown.'
step <<'EOF'
billfold query preview command command=subscription.cancel body.customer=$CUSTOMER \
    body.subscription=$SUBSCRIPTION body.when=now body.credit=prorated
EOF
echo '# The log says how it came about, and the audit works beside the running server.'
step <<'EOF'
billfold inspect $POSITION
EOF
step <<'EOF'
billfold verify
EOF
step <<'EOF'
billfold replay
EOF
kill -INT "$server"
wait "$server" && server=
