//! What must stay true: stories, laws, simulation, crash tests, benches.
