//! What billing is: pure decisions, billing arithmetic, the journal.
