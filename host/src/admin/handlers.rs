//! The handlers as an operator sees them, and their rollback.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::answer::{Problem, Response, json};
use crate::claim::Claim;
use crate::generation::Generation;
use crate::host::Host;
use crate::loader::{NoRollback, RolledBack, Wish};
use crate::metrics::Counts;
use crate::registry::{Absence, By, Handler};
use crate::settings::Scope;

#[derive(Serialize)]
struct Listing {
    handlers: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    /// None where it claims none, or another handler claims the same.
    route: Option<String>,
    /// The name that its manifest asks for.
    host: Option<String>,
    scope: &'static str,
    /// None before the first.
    generation: Option<u64>,
    state: &'static str,
    /// Why its file could not be loaded, as of the last try.
    complaint: Option<String>,
    /// The generation whose component serves again, after a rollback.
    rolled_back_to: Option<u64>,
    /// Who wished for it, `operator` or the host `itself`; none without a rollback.
    rolled_back_by: Option<&'static str>,
    /// Why the host has done so by itself.
    rolled_back_why: Option<String>,
    /// What serves was kept from before the host's start, since the file can't be loaded or
    /// was rolled back.
    restored: bool,
    /// The one that a rollback would bring back.
    previous: Option<u64>,
    connections: usize,
    instances: u64,
    /// States of instances that have had nothing to do.
    parked: u64,
    /// Those that have connections, and the current one.
    generations: Vec<OfGeneration>,
    counters: Counts,
}

#[derive(Serialize)]
struct OfGeneration {
    generation: u64,
    state: &'static str,
    connections: usize,
    /// Why some of them could not move to the newest one, as of the last try.
    stays: Option<String>,
}

pub(super) fn list(host: &Host) -> Response {
    let routes = host.registry.routes();
    let all = host.registry.all();
    let is_there = |handler: &Arc<Handler>| all.iter().any(|one| Arc::ptr_eq(one, handler));
    let handlers = host.registry.handlers().into_iter().map(|handler| {
        let claim = routes.iter().find(|(_, one)| Arc::ptr_eq(one, &handler));
        entry(&handler, claim.map(|(claim, _)| claim), is_there(&handler))
    });
    let handlers = handlers.collect();
    json(StatusCode::OK, &Listing { handlers })
}

fn entry(handler: &Handler, claim: Option<&Claim>, is_there: bool) -> Entry {
    let current = handler.current();
    let state = match &current {
        _ if !is_there => "draining",
        Some(current) if current.pause_left().is_some() => "held-back",
        Some(_) => "serving",
        None => match **handler.absence.load() {
            Absence::Compiling if claim.is_none() => "contested",
            Absence::Compiling => "compiling",
            Absence::Failed => "failed",
        },
    };
    let generations = handler.generations().into_iter();
    let generations: Vec<_> = generations
        .map(|each| of_generation(&each, current.as_ref()))
        .filter(|each| each.state == "serving" || each.connections > 0)
        .collect();
    let rolled_back = handler.rolled_back();
    let by = rolled_back.as_ref().map(|rollback| &rollback.by);
    let scope = current.as_ref().map(|current| current.settings.scope).unwrap_or_default();
    Entry {
        name: handler.account.name.to_string(),
        route: claim.map(|claim| claim.route.to_string()),
        host: claim.and_then(|claim| claim.host.clone()),
        scope: match scope {
            Scope::Connection => "connection",
            Scope::Path => "path",
            Scope::Handler => "handler",
        },
        generation: current.map(|current| current.number),
        state,
        complaint: handler.complaint.load().as_deref().cloned(),
        rolled_back_to: rolled_back.as_ref().and_then(|rollback| rollback.to),
        rolled_back_by: by.map(|by| match by {
            By::Operator => "operator",
            By::Itself(_) => "itself",
        }),
        rolled_back_why: by.and_then(By::why).map(str::to_owned),
        restored: handler.is_restored(),
        previous: handler.previous().map(|previous| previous.number),
        connections: generations.iter().map(|each| each.connections).sum(),
        instances: u64::try_from(handler.account.metrics.instances.get()).unwrap_or(0),
        parked: u64::try_from(handler.account.metrics.parked.get()).unwrap_or(0),
        generations,
        counters: handler.account.metrics.counts(),
    }
}

fn of_generation(each: &Arc<Generation>, current: Option<&Arc<Generation>>) -> OfGeneration {
    let stays = each.stays();
    let state = match current {
        Some(current) if Arc::ptr_eq(each, current) => "serving",
        _ if stays.is_none() && each.successor().is_some() => "migrating",
        _ => "draining",
    };
    OfGeneration {
        generation: each.number,
        state,
        connections: each.connections().len(),
        stays: stays.as_deref().cloned(),
    }
}

#[derive(Serialize)]
struct Done<'a> {
    handler: &'a str,
    /// The new one.
    generation: u64,
    /// The one whose component and settings it has.
    rolled_back_to: u64,
}

/// Has the loader bring back what served before; nobody else changes generations.
pub(super) async fn roll_back(
    name: &str,
    host: &Host,
    loader: &mpsc::Sender<Wish>,
) -> Result<Response, Problem> {
    // Embedded handlers have no loader, and nothing to go back to.
    if find(name, host)?.previous().is_none() {
        return Err(Problem::new(StatusCode::CONFLICT, NoRollback::NoPrevious.to_string()));
    }
    let (answer, answered) = oneshot::channel();
    let wish = Wish { handler: name.to_owned(), answer };
    if loader.send(wish).await.is_err() {
        return Err(without_loader());
    }
    match answered.await.map_err(|_| without_loader())? {
        Ok(RolledBack { generation, to }) => {
            let done = Done { handler: name, generation, rolled_back_to: to };
            Ok(json(StatusCode::OK, &done))
        }
        Err(NoRollback::Unknown) => Err(unknown(name)),
        Err(why) => Err(Problem::new(StatusCode::CONFLICT, why.to_string())),
    }
}

pub(super) fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("no handler is named {name:?}"))
}

/// The handler of this name that is there.
pub(super) fn find(name: &str, host: &Host) -> Result<Arc<Handler>, Problem> {
    let mut all = host.registry.all().into_iter();
    all.find(|handler| *handler.account.name == *name).ok_or_else(|| unknown(name))
}

fn without_loader() -> Problem {
    let why = "handlers are not swapped here any more: the host is shutting down";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, why)
}
