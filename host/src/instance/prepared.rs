//! A component that instances can be made of.

use std::sync::Arc;

use wasmtime::component::{ComponentExportIndex, InstancePre};

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
    pub(super) on_messages: Option<ComponentExportIndex>,
    pub(super) on_request: Option<ComponentExportIndex>,
    /// `suspend` and `resume`.
    pub(super) snapshot: Option<(ComponentExportIndex, ComponentExportIndex)>,
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
        let find = |of: Option<&_>, name| component.component().get_export_index(of, name);
        let function = |interface, name| find(Some(&find(None, interface)?), name);
        let on_messages = function("socklet:websocket/message-loop@0.1.0", "on-messages");
        let on_request = function("socklet:websocket/gate@0.1.0", "on-request");
        let of_snapshot = |name| function("socklet:websocket/snapshot@0.1.0", name);
        let snapshot = of_snapshot("suspend").zip(of_snapshot("resume"));
        let of = component.component().component_type();
        let http = of.imports(component.engine()).any(|(name, _)| name.starts_with(WASI_HTTP));
        let world = Arc::default();
        Ok(Self { exports, on_messages, on_request, snapshot, http, component, clock, world })
    }

    /// The same for guests that see this world.
    pub(crate) fn within(self, world: World) -> Self {
        Self { world: Arc::new(world), ..self }
    }

    /// Whether it decides about handshakes.
    pub(crate) fn has_gate(&self) -> bool {
        self.on_request.is_some()
    }

    /// Whether it sends requests to upstreams.
    pub(crate) fn imports_http(&self) -> bool {
        self.http
    }

    /// Whether what its instances know can be given to others.
    pub(crate) fn has_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// For an instance of it.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::new(Meter::new(self.clock.clone()))
    }
}
