//! Memory helpers for a request path: recycled boxes, buffer pools, arenas.
