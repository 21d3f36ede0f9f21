//! Double entry: every event's balanced entries.
