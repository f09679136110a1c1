//! Process, services and lifecycle.
