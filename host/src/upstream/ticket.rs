//! One request's place among all, and what it has come to.

use std::sync::{Arc, OnceLock};

use crate::account::{Seat, Seats};
use crate::guest_log::{Printable, Speaker};
use crate::metrics::Counted;

use super::fault::{FILES, Fault};

/// Held by a request until its answer has come or failed, or the guest lets go of it.
pub(super) struct Ticket {
    told: Told,
    outcome: OnceLock<&'static str>,
    _of_instance: Seat,
    _of_handler: Seat,
    _of_all: Seat,
    _counted: Counted,
}

/// Whom a fault is told to.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) speaker: Arc<Speaker>,
    /// Of the request, as the guest wrote it.
    pub(super) host: Arc<str>,
}

impl Ticket {
    /// The error is the limit's name.
    pub(super) fn take(told: Told, of_instance: &Arc<Seats>) -> Result<Self, Fault> {
        let account = told.speaker.account();
        let of = &account.upstreams;
        let seat = |seats: &Arc<Seats>, limit| seats.take().ok_or(Fault::Full(limit));
        Ok(Self {
            _of_instance: seat(of_instance, "max-http-requests")?,
            _of_handler: seat(&of.requests, "max-handler-http-requests")?,
            _of_all: seat(&of.all.requests, FILES)?,
            _counted: Counted::new(&account.metrics.http_requests),
            told,
            outcome: OnceLock::new(),
        })
    }

    pub(super) fn speaker(&self) -> &Arc<Speaker> {
        &self.told.speaker
    }

    /// Its answer has come whole.
    pub(super) fn answered(&self) {
        let _ = self.outcome.set("answered");
    }

    /// It has failed. What the guest is told.
    pub(super) fn failed(&self, fault: Fault) -> wasmtime_wasi_http::Error {
        // Only the first one is the reason.
        if self.outcome.set(fault.outcome()).is_ok() {
            self.told.log(&fault);
        }
        fault.into_error()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let outcome = self.outcome.get().copied().unwrap_or("given-up");
        self.told.speaker.account().metrics.requested(outcome);
    }
}

impl Told {
    /// A request that has got no ticket.
    pub(super) fn refused(&self, fault: Fault) -> wasmtime_wasi_http::Error {
        self.speaker.account().metrics.requested(fault.outcome());
        self.log(&fault);
        fault.into_error()
    }

    fn log(&self, fault: &Fault) {
        /// No name is longer.
        const LONGEST: usize = 253;
        let host = &self.host[..self.host.floor_char_boundary(LONGEST)];
        if fault.is_the_hosts() {
            let fault = fault.to_string();
            self.speaker.warn_of_event(format_args!(
                "a request to {} failed: {}",
                Printable(host),
                Printable(&fault)
            ));
        } else {
            tracing::debug!(
                handler = &*self.speaker.account().name,
                "a request to {host} failed: {fault}"
            );
        }
    }
}
