//! HTTP message types: ordered, case-preserving fields over the received bytes.
