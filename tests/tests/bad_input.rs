//! What must not be accepted, through the real front doors: each request gets a typed problem
//! and leaves the book as it was; each start that cannot go well is refused.

#[path = "bad_input/book.rs"]
mod book;
#[path = "bad_input/machine.rs"]
mod machine;
#[path = "bad_input/mutations.rs"]
mod mutations;
#[path = "bad_input/requests.rs"]
mod requests;
#[path = "bad_input/socket.rs"]
mod socket;
