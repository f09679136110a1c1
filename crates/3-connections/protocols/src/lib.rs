//! Sockets: TCP and Unix listeners and connectors with their options.
