//! The allocator of the program.
//!
//! An exchange allocates nothing, but a connection does: its task, and what the reactor keeps of it,
//! aligned to a pair of cache lines. For that glibc takes its slow path each time; mimalloc does not.
//! Libraries leave the choice to whoever links them.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
