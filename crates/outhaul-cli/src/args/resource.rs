//! `outhaul resource`.

use clap::Subcommand;

use super::values;

/// What can be done with the addresses of Azure resources.
#[derive(Debug, Subcommand)]
pub(crate) enum ResourceCommand {
    /// Say under which address a resource is reached
    #[command(
        after_help = "Examples:\n  outhaul resource map /subscriptions/1/resourceGroups/ml/providers/Microsoft.Compute/virtualMachines/gpu 10.0.0.4\n  outhaul resource map /subscriptions/1/resourceGroups/ml/providers/Microsoft.Compute/virtualMachines/gpu 10.0.0.4:2222"
    )]
    Map {
        /// The resource id
        #[arg(value_name = "ID", value_parser = values::resource_id)]
        id: String,
        /// Name or address, with `:port` if it is not 22
        #[arg(value_name = "ADDRESS", value_parser = values::resource_address)]
        address: String,
    },
    /// List the addresses
    #[command(after_help = "Examples:\n  outhaul resource list\n  outhaul resource list --format json")]
    List,
    /// Forget the address of a resource
    #[command(
        after_help = "Examples:\n  outhaul resource unmap /subscriptions/1/resourceGroups/ml/providers/Microsoft.Compute/virtualMachines/gpu"
    )]
    Unmap {
        /// The resource id
        #[arg(value_name = "ID", value_parser = values::resource_id)]
        id: String,
    },
}
