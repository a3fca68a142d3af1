//! The launcher `slurm` as a layer on a driver whose runs are run directories: each run is a batch job, whose script
//! sees the run directory on the shared file system and supervises the process there.
//!
//! Pure: what `sbatch` is given ([`batch`]), what the scheduler's answers say ([`parse`]), what its states and reasons
//! mean ([`words`]), whose fault a refusal is ([`refusal`]), and how the scheduler's word and the run directory's are put
//! together ([`evidence`]). The layer asks; one `squeue` answers for all runs.

mod adopted;
mod array;
mod batch;
mod check;
mod collector;
mod evidence;
mod layer;
mod native;
mod parse;
mod queue;
mod refusal;
mod script;
mod words;

pub use check::{CLUSTER_QUESTIONS, cluster_checks};
pub use layer::{Slurm, SlurmOptions};
