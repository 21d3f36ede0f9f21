//! The published language keeps its promises: bytes, names, numbers and schemas.
//!
//! Files under `schemas/golden` and `schemas/json-schema` are compared with what the code
//! makes. `BLESS=1 cargo test -p schemas` rewrites them; the difference is then reviewed.

mod bytes;
mod corruption;
mod documents;
mod files;
mod golden;
mod interface;
mod json_schema;
mod kinds;
mod laws;
mod personal;
mod refusals;
mod samples;
mod stored_source;
mod values;
