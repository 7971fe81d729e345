//! How many connections each remote address holds, and how fast it opens them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Addresses of which something is remembered; beyond, those are forgotten that
/// may do as they like again.
const MAX_REMEMBERED: usize = 64 * 1024;

/// Counts connections by address. It holds an entry only for addresses that have
/// a connection, so the limit on connections bounds it.
pub(crate) struct Addresses {
    max: usize,
    held: Mutex<HashMap<IpAddr, usize>>,
    rate: DefaultKeyedRateLimiter<IpAddr>,
}

/// One connection's place among those of its address, given up when dropped.
pub(crate) struct AddressSlot {
    addresses: Arc<Addresses>,
    /// None for an address that is not counted.
    address: Option<IpAddr>,
}

impl Addresses {
    pub(crate) fn new(max: usize, per_second: NonZeroU32) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(per_second));
        Self { max, held: Mutex::default(), rate }
    }

    /// Whether the address may ask for another connection by now.
    pub(crate) fn may_ask(&self, address: IpAddr) -> bool {
        let Some(address) = counted(address) else { return true };
        if self.rate.len() > MAX_REMEMBERED {
            self.rate.retain_recent();
        }
        self.rate.check_key(&address).is_ok()
    }

    /// None where the address holds as many as it may.
    pub(crate) fn reserve(self: &Arc<Self>, address: IpAddr) -> Option<AddressSlot> {
        let address = counted(address);
        if let Some(address) = address {
            let mut held = self.held();
            let count = held.entry(address).or_insert(0);
            if *count >= self.max {
                return None;
            }
            *count += 1;
        }
        Some(AddressSlot { addresses: self.clone(), address })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address that stands for a peer: of IPv6 its /64, which is what one
/// subscriber gets; none for peers on this machine, behind which anybody may be.
fn counted(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
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
        let mut held = self.addresses.held();
        if let Some(count) = held.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_past_its_limit_until_one_ends() {
        let addresses = Arc::new(Addresses::new(2, NonZeroU32::MAX));
        let reserve = |address: &str| addresses.reserve(address.parse().unwrap());
        let first = reserve("203.0.113.7");
        let _second = reserve("::ffff:203.0.113.7");
        assert!(first.is_some() && reserve("203.0.113.7").is_none());
        assert!(reserve("203.0.113.8").is_some());
        drop(first);
        assert!(reserve("203.0.113.7").is_some());
    }

    #[test]
    fn ipv6_counts_by_its_64_bit_network_and_loopback_not_at_all() {
        let addresses = Arc::new(Addresses::new(1, NonZeroU32::MAX));
        let reserve = |address: &str| addresses.reserve(address.parse().unwrap());
        let _one = reserve("2001:db8:0:1::1");
        assert!(reserve("2001:db8:0:1:ffff::2").is_none());
        assert!(reserve("2001:db8:0:2::1").is_some());
        let local: Vec<_> = (0..10).map(|_| reserve("127.0.0.1")).collect();
        assert!(local.iter().all(Option::is_some));
        drop(local);
        assert_eq!(addresses.held().len(), 1);
    }
}
