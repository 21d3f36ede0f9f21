//! The binary as people and scripts use it: arguments, exit codes, the server's life, imports.

mod auditing;
mod demonstrating;
mod feeding;
mod importing;
mod losing;
mod opening;
mod processes;
mod reading;
mod serving;
mod submitting;
mod typing;
mod undoing;
mod workbench;
