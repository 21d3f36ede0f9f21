//! Keys: what is sealed with them, what survives a crash, what a destroyed key leaves.

mod book;
mod copies;
mod crashes;
mod escrow;
mod followers;
mod losses;
mod reading;
mod rotation;
mod sealing;
