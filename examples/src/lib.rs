//! Runnable examples, one per capability, each a page of its own beside this folder:
//! `cargo run --example NAME`.
//!
//! | name | shows |
//! |---|---|
//! | `simple_reverse_proxy` | the shortest proxy there is |
//! | `load_balancing_proxy` | three origins with weights |
//! | `background_service` | work beside a proxy, again and again |
//! | `service_dependencies` | services that wait for each other, and an admin service |
//! | `routes` | filters and upstream by host, path and method, replaced while they serve |
//! | `connect_proxy` | tunnels by CONNECT, as a policy allows |
//! | `proxy_protocol` | who the client is, learned from a header and passed on |
//! | `tls` | TLS for clients, with certificates that are renewed while it serves |
//! | `mutual_tls` | certificates shown and demanded on both sides |
