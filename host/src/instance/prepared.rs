//! A component that instances can be made of.

use std::sync::Arc;

use wasmtime::component::InstancePre;

use super::exports::Optional;
use crate::bindings::WebsocketHandlerIndices;
use crate::clock::Clock;
use crate::guest_state::GuestState;
use crate::meter::Meter;
use crate::upstream::WASI_HTTP;
use crate::wasi::World;

/// A handler's component, ready to instantiate: exports found, imports linked.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(super) component: InstancePre<GuestState>,
    pub(super) exports: WebsocketHandlerIndices,
    pub(super) optional: Arc<Optional>,
    http: bool,
    clock: Arc<Clock>,
    pub(super) world: Arc<World>,
}

impl Prepared {
    pub(crate) fn new(
        component: InstancePre<GuestState>,
        clock: Arc<Clock>,
    ) -> wasmtime::Result<Self> {
        let exports = WebsocketHandlerIndices::new(&component)?;
        let optional = Arc::new(Optional::of(&component));
        let of = component.component().component_type();
        let http = of.imports(component.engine()).any(|(name, _)| name.starts_with(WASI_HTTP));
        Ok(Self { exports, optional, http, component, clock, world: Arc::default() })
    }

    /// The same for guests that see this world.
    pub(crate) fn within(self, world: World) -> Self {
        Self { world: Arc::new(world), ..self }
    }

    /// Whether it decides about handshakes.
    pub(crate) fn has_gate(&self) -> bool {
        self.optional.on_request.is_some()
    }

    /// Whether it sends requests to upstreams.
    pub(crate) fn imports_http(&self) -> bool {
        self.http
    }

    /// Whether what its instances know can be given to others.
    pub(crate) fn has_snapshot(&self) -> bool {
        self.optional.snapshot.is_some()
    }

    /// Whether it hears of timers.
    pub(crate) fn has_alarm(&self) -> bool {
        self.optional.on_alarm.is_some()
    }

    /// For an instance of it.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::new(Meter::new(self.clock.clone()))
    }
}
