//! The flags that say what manifests may ask for.

use std::path::PathBuf;

use clap::Args;
use socklet::policy::Policy;

#[derive(Args, Debug)]
pub(crate) struct PolicyFlags {
    /// The operator's policy, socklet.toml: every flag by its name, ceilings and grants
    #[arg(long, value_name = "FILE", env = "SOCKLET_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Trust nobody who can put files into the directory: what the policy does not name is
    /// denied, symlinks stay inside, clocks are coarse, cookies are hidden
    #[arg(
        long,
        env = "SOCKLET_UNTRUSTED",
        num_args = 0..=1,
        require_equals = true,
        default_value = "false",
        default_missing_value = "true"
    )]
    untrusted: bool,
    /// Of the file that `config` names.
    #[arg(skip)]
    pub(super) of_file: Policy,
}

impl PolicyFlags {
    /// What both come to.
    pub(super) fn policy(&self) -> Policy {
        self.of_file.clone().untrusted(self.untrusted)
    }
}
