//! What may be done: the engine, idempotency, front doors.
