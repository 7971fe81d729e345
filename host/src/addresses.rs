//! How many connections each remote address holds, and how fast it opens them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::peer::Peer;

/// Addresses of which something is remembered; beyond, those are forgotten that
/// may do as they like again.
const MAX_REMEMBERED: usize = 64 * 1024;

/// Handshakes in progress of one address, at most; a further socket is closed
/// unheard. They are a quarter of all or less, so that no single address can hold up
/// the others.
const MAX_HANDSHAKES: usize = 256;
/// Files that are sent to one address at a time, at most, and likewise.
const MAX_DOWNLOADS: usize = 64;

/// What each remote address holds, and how fast it comes.
pub(crate) struct Addresses {
    connections: Arc<Held>,
    handshakes: Arc<Held>,
    downloads: Arc<Held>,
    rate: DefaultKeyedRateLimiter<IpAddr>,
}

/// Counts by address. There is an entry only for addresses that hold something, so
/// the limit on what is held bounds it.
struct Held {
    max: usize,
    by: Mutex<HashMap<IpAddr, usize>>,
}

/// One place among those of an address, given up when dropped.
pub(crate) struct AddressSlot {
    held: Arc<Held>,
    /// None for an address that is not counted.
    address: Option<IpAddr>,
}

impl Addresses {
    /// `handshakes` and `downloads` are how many there may be of all addresses.
    pub(crate) fn new(
        max_connections: usize,
        handshakes: usize,
        downloads: usize,
        per_second: NonZeroU32,
    ) -> Self {
        let held = |max| Arc::new(Held { max, by: Mutex::default() });
        Self {
            connections: held(max_connections),
            handshakes: held((handshakes / 4).clamp(1, MAX_HANDSHAKES)),
            downloads: held((downloads / 4).clamp(1, MAX_DOWNLOADS)),
            rate: RateLimiter::keyed(Quota::per_second(per_second)),
        }
    }

    /// Whether the client's address may ask for another connection by now.
    pub(crate) fn may_ask(&self, client: Peer) -> bool {
        let Some(address) = counted(client) else { return true };
        if self.rate.len() > MAX_REMEMBERED {
            self.rate.retain_recent();
        }
        self.rate.check_key(&address).is_ok()
    }

    /// A place for a connection; none where the address holds as many as it may.
    pub(crate) fn connection(&self, client: Peer) -> Option<AddressSlot> {
        self.connections.reserve(Some(client))
    }

    /// A place for a handshake, likewise; always one where it is not known whose.
    pub(crate) fn handshake(&self, client: Option<Peer>) -> Option<AddressSlot> {
        self.handshakes.reserve(client)
    }

    /// A place for a file that is sent, likewise.
    pub(crate) fn download(&self, client: Option<Peer>) -> Option<AddressSlot> {
        self.downloads.reserve(client)
    }
}

impl Held {
    fn reserve(self: &Arc<Self>, client: Option<Peer>) -> Option<AddressSlot> {
        let address = client.and_then(counted);
        if let Some(address) = address {
            let mut by = self.by();
            let count = by.entry(address).or_insert(0);
            if *count >= self.max {
                return None;
            }
            *count += 1;
        }
        Some(AddressSlot { held: self.clone(), address })
    }

    fn by(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that stands for a peer: of IPv6 its /64, which is what one
/// subscriber gets; none for peers on this machine, behind which anybody may be.
pub(crate) fn counted(client: Peer) -> Option<IpAddr> {
    match client.ip()?.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(address.into()),
        IpAddr::V6(address) => {
            const NETWORK: u128 = u128::MAX << 64;
            Some(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into())
        }
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut by = self.held.by();
        if let Some(count) = by.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                by.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer::Tcp((address.parse::<IpAddr>().unwrap(), 50_000).into())
    }

    #[test]
    fn an_address_is_refused_past_its_limit_until_one_ends() {
        let addresses = Addresses::new(2, 4096, 0, NonZeroU32::MAX);
        let reserve = |address: &str| addresses.connection(peer(address));
        let first = reserve("203.0.113.7");
        let _second = reserve("::ffff:203.0.113.7");
        assert!(first.is_some() && reserve("203.0.113.7").is_none());
        assert!(reserve("203.0.113.8").is_some());
        drop(first);
        assert!(reserve("203.0.113.7").is_some());
    }

    #[test]
    fn ipv6_counts_by_its_64_bit_network_and_this_machine_not_at_all() {
        let addresses = Addresses::new(1, 4096, 0, NonZeroU32::MAX);
        let reserve = |address: &str| addresses.connection(peer(address));
        let _one = reserve("2001:db8:0:1::1");
        assert!(reserve("2001:db8:0:1:ffff::2").is_none());
        assert!(reserve("2001:db8:0:2::1").is_some());
        let local: Vec<_> = (0..10).map(|_| reserve("127.0.0.1")).collect();
        assert!(local.iter().all(Option::is_some));
        let unix: Vec<_> = (0..10).map(|_| addresses.connection(Peer::Unix)).collect();
        assert!(unix.iter().all(Option::is_some));
        drop((local, unix));
        assert_eq!(addresses.connections.by().len(), 1);
    }

    #[test]
    fn handshakes_of_one_address_leave_room_for_others() {
        for (all, of_one) in [(4096, 256), (64, 16), (1, 1)] {
            let addresses = Addresses::new(1, all, 0, NonZeroU32::MAX);
            let begin = |address: &str| addresses.handshake(Some(peer(address)));
            let mut silent: Vec<_> = (0..of_one).map(|_| begin("203.0.113.7")).collect();
            assert!(silent.iter().all(Option::is_some));
            assert!(begin("203.0.113.7").is_none());
            assert!(begin("203.0.113.8").is_some() && begin("127.0.0.1").is_some());
            silent.pop();
            assert!(begin("203.0.113.7").is_some());
        }
    }
}
