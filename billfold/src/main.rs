//! The billfold binary.
fn main() {}
