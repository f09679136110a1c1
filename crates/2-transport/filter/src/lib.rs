//! The interfaces of the filter chain and nothing else.
