//! How many connections each client address has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use crate::{Networks, Refused};

/// Tables that share the work, so that workers that accept at the same time seldom meet at one.
const SHARDS: usize = 64;

/// An emptied table keeps room for so many addresses.
const KEPT: usize = 64;

/// Counts the connections of each client address and refuses those beyond a limit. Clones count
/// together.
///
/// An IPv4 address counts alone. An IPv6 address counts with all others of its /64, for that is what
/// one subscriber has, and single addresses of it cost nothing. Loopback is not counted, nor are the
/// exempt networks, such as those of other proxies in front.
///
/// The count is exact, however many threads accept. Only addresses that have a connection take
/// memory.
#[derive(Clone)]
pub struct PerAddress {
    limit: u32,
    exempt: Networks,
    counts: Arc<Counts>,
}

struct Counts {
    /// Keyed by chance, for peers choose the addresses.
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

type Shard = HashMap<Client, u32, RandomState>;

/// What is counted as one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    V4(u32),
    /// The first 64 bits.
    V6(u64),
}

impl Client {
    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Client::V4(ip.into()),
            IpAddr::V6(ip) => Client::V6((u128::from(ip) >> 64) as u64),
        }
    }
}

impl PerAddress {
    /// What a server takes if nobody says otherwise.
    pub const DEFAULT_LIMIT: u32 = 1000;

    /// At most `limit` connections of one address, those of `exempt` aside.
    pub fn new(limit: u32, exempt: Networks) -> Self {
        let hasher = RandomState::default();
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::with_hasher(hasher.clone()))).collect();
        PerAddress { limit, exempt, counts: Arc::new(Counts { hasher, shards }) }
    }

    /// With another limit and other exempt networks, but the same count: for a configuration that
    /// takes this one's place while connections are open.
    pub fn with_limit(&self, limit: u32, exempt: Networks) -> Self {
        PerAddress { limit, exempt, counts: self.counts.clone() }
    }

    /// Counts a connection of `ip` until the permit is dropped; `None` if that address is not counted.
    ///
    /// # Errors
    /// [`Refused::TooMany`].
    pub fn admit(&self, ip: IpAddr) -> Result<Option<AddressPermit>, Refused> {
        let ip = ip.to_canonical();
        if ip.is_loopback() || self.exempt.contains(ip) {
            return Ok(None);
        }
        let client = Client::of(ip);
        let mut shard = self.counts.shard(client).lock();
        match shard.entry(client) {
            Entry::Occupied(entry) if *entry.get() >= self.limit => return Err(Refused::TooMany),
            Entry::Occupied(mut entry) => *entry.get_mut() += 1,
            Entry::Vacant(_) if self.limit == 0 => return Err(Refused::TooMany),
            Entry::Vacant(entry) => _ = entry.insert(1),
        }
        drop(shard);
        Ok(Some(AddressPermit { counts: self.counts.clone(), client }))
    }

    /// How many connections the address of `ip` has.
    pub fn open(&self, ip: IpAddr) -> u32 {
        let client = Client::of(ip.to_canonical());
        self.counts.shard(client).lock().get(&client).copied().unwrap_or(0)
    }

    /// How many addresses have a connection.
    pub fn addresses(&self) -> usize {
        self.counts.shards.iter().map(|shard| shard.lock().len()).sum()
    }
}

impl Counts {
    fn shard(&self, client: Client) -> &Mutex<Shard> {
        // The table itself takes its place from other bits of the same hash.
        &self.shards[(self.hasher.hash_one(client) >> 32) as usize % SHARDS]
    }

    fn release(&self, client: Client) {
        let mut shard = self.shard(client).lock();
        if let Entry::Occupied(mut entry) = shard.entry(client) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
        // What a flood of addresses took is given back after it.
        if shard.is_empty() && shard.capacity() > KEPT {
            shard.shrink_to_fit();
        }
    }
}

impl fmt::Debug for PerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerAddress")
            .field("limit", &self.limit)
            .field("exempt", &self.exempt)
            .field("addresses", &self.addresses())
            .finish()
    }
}

/// One connection counted at its address; dropping it makes room there.
pub struct AddressPermit {
    counts: Arc<Counts>,
    client: Client,
}

impl Drop for AddressPermit {
    fn drop(&mut self) {
        self.counts.release(self.client);
    }
}

impl fmt::Debug for AddressPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressPermit")
    }
}
