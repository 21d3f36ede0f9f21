//! What can be asked: projector runtime, read models, their queries.
