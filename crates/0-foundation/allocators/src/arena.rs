//! A bump arena for what lives exactly as long as one exchange.

use std::alloc::Layout;
use std::cell::Cell;
use std::fmt;
use std::mem;

use bumpalo::Bump;

/// A bump arena with a byte cap: many small values, freed all at once by [`reset`](RequestArena::reset), which keeps the
/// memory for the next exchange.
///
/// What it hands out borrows from it, so that use after a reset does not compile:
///
/// ```compile_fail
/// let mut arena = gorge_allocators::RequestArena::new(1024);
/// let name = arena.alloc_str("host").unwrap();
/// arena.reset();
/// println!("{name}");
/// ```
///
/// It never drops values; one that would need it does not compile. `Send`, not `Sync`.
#[derive(Debug)]
pub struct RequestArena {
    bump: Bump,
    cap: usize,
    used: Cell<usize>,
    peak: usize,
    resets: u64,
}

/// The arena's byte cap, or the memory of the machine, does not allow this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaFull {
    /// Bytes that were asked for.
    pub wanted: usize,
    /// Bytes that were left below the cap.
    pub left: usize,
}

impl fmt::Display for ArenaFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arena full: {} bytes wanted, {} left", self.wanted, self.left)
    }
}

impl std::error::Error for ArenaFull {}

/// What an arena has been used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArenaStats {
    /// Bytes handed out since the last reset, padding not counted.
    pub used: usize,
    /// The most bytes handed out between two resets.
    pub peak: usize,
    /// Bytes that may be handed out between two resets.
    pub cap: usize,
    /// Bytes of memory held.
    pub reserved: usize,
    /// How often the arena was reset.
    pub resets: u64,
}

impl RequestArena {
    /// An empty arena that hands out at most `cap` bytes between two resets. Holds no memory until first used.
    pub fn new(cap: usize) -> Self {
        RequestArena { bump: Bump::new(), cap, used: Cell::new(0), peak: 0, resets: 0 }
    }

    /// Moves a value into the arena. Its type must need no drop.
    ///
    /// # Errors
    /// [`ArenaFull`] if the cap would be passed.
    // A bump arena hands out disjoint memory from a shared reference.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc<T>(&self, value: T) -> Result<&mut T, ArenaFull> {
        const { assert!(!mem::needs_drop::<T>(), "an arena does not drop its values") };
        self.charge(Layout::new::<T>().size(), |bump| bump.try_alloc(value).ok())
    }

    /// Copies bytes into the arena.
    ///
    /// # Errors
    /// [`ArenaFull`] if the cap would be passed.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_bytes(&self, bytes: &[u8]) -> Result<&mut [u8], ArenaFull> {
        self.charge(bytes.len(), |bump| bump.try_alloc_slice_copy(bytes).ok())
    }

    /// Copies a slice into the arena.
    ///
    /// # Errors
    /// [`ArenaFull`] if the cap would be passed.
    #[allow(clippy::mut_from_ref)]
    pub fn alloc_slice<T: Copy>(&self, slice: &[T]) -> Result<&mut [T], ArenaFull> {
        self.charge(mem::size_of_val(slice), |bump| bump.try_alloc_slice_copy(slice).ok())
    }

    /// Copies text into the arena.
    ///
    /// # Errors
    /// [`ArenaFull`] if the cap would be passed.
    pub fn alloc_str(&self, text: &str) -> Result<&str, ArenaFull> {
        self.charge(text.len(), |bump| bump.try_alloc_str(text).ok()).map(|text| &*text)
    }

    /// Forgets all values; the largest piece of memory is kept, so that a steady load soon allocates nothing.
    pub fn reset(&mut self) {
        self.peak = self.peak.max(self.used.get());
        self.used.set(0);
        self.resets += 1;
        self.bump.reset();
    }

    /// What the arena has been used for.
    pub fn stats(&self) -> ArenaStats {
        let used = self.used.get();
        let reserved = self.bump.allocated_bytes();
        ArenaStats { used, peak: self.peak.max(used), cap: self.cap, reserved, resets: self.resets }
    }

    /// Counts `wanted` bytes against the cap and takes them.
    fn charge<'a, R>(
        &'a self,
        wanted: usize,
        take: impl FnOnce(&'a Bump) -> Option<R>,
    ) -> Result<R, ArenaFull> {
        let left = self.cap - self.used.get();
        let full = ArenaFull { wanted, left };
        if wanted > left {
            return Err(full);
        }
        let taken = take(&self.bump).ok_or(full)?;
        self.used.set(self.used.get() + wanted);
        Ok(taken)
    }
}

impl Default for RequestArena {
    /// An arena of 64 KiB.
    fn default() -> Self {
        RequestArena::new(64 * 1024)
    }
}
