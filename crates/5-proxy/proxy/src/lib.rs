//! The pump, the filter chain and the rules of an exchange.
