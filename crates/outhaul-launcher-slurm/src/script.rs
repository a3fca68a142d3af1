//! What the login host's shell is asked to do: find, submit, cancel. Pure; each script answers in lines that `layer` reads.
//!
//! A run's folder holds `job`, the number of its own job, or `array`: the name of the array of jobs that it was submitted
//! with and its index there. An array of jobs has a folder by its name beside the runs: `job` is its number, and a link
//! by the index leads to each run's folder, so that one batch script serves all.

use outhaul_host::run_dir::{names, quote};
use outhaul_types::RunKey;

/// Where things lie on the login host.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of the run directories.
    pub(crate) runs: String,
}

impl Places {
    pub(crate) fn run_dir(&self, key: &RunKey) -> String {
        format!("{}/{key}", self.runs)
    }

    /// A folder beside that of the runs.
    fn beside(&self, name: &str) -> String {
        let parent = self.runs.rsplit_once('/').map_or(".", |(parent, _)| parent);
        format!("{parent}/{name}")
    }

    /// The folder of the arrays of jobs.
    pub(crate) fn arrays(&self) -> String {
        self.beside("arrays")
    }

    /// The folder of notes about jobs that others submitted.
    pub(crate) fn adopted(&self) -> String {
        self.beside("adopted")
    }

    /// Defines `number_of NAME`: sets `found` to the number of an array of jobs by its name, or to nothing.
    fn number_of(&self) -> String {
        format!(
            "arrays={}
number_of() {{
    found=
    [ -d \"$arrays/$1\" ] || return 0
    if [ -s \"$arrays/$1/job\" ]; then
        read -r found < \"$arrays/$1/job\"
    else
        found=$(squeue -h -t all -u \"$(id -un)\" -n \"$1\" -o %F 2> /dev/null | head -n 1)
        [ -z \"$found\" ] || {{ echo \"$found\" > \"$arrays/$1/job.new\" && mv \"$arrays/$1/job.new\" \"$arrays/$1/job\"; }}
    fi
}}
",
            quote(&self.arrays())
        )
    }

    /// Answers `job ID` and ends for a run whose job is known: the one that was written down, that of its array, or the
    /// one of its name. Answers `none` where the run's folder is gone.
    fn known(&self, key: &RunKey) -> String {
        format!(
            "{}cd {} 2> /dev/null || {{ echo none; exit 0; }}
if [ -s job ]; then echo \"job $(cat job)\"; exit 0; fi
if read -r name index 2> /dev/null < array; then
    number_of \"$name\"
    if [ -n \"$found\" ]; then echo \"job ${{found}}_$index\"; exit 0; fi
fi
found=$(squeue -h -t all -u \"$(id -un)\" -n {key} -o %A 2> /dev/null | head -n 1)
if [ -n \"$found\" ]; then echo \"$found\" > job.new && mv job.new job; echo \"job $found\"; exit 0; fi
",
            self.number_of(),
            quote(&self.run_dir(key))
        )
    }

    /// Finds the job of a run.
    pub(crate) fn find(&self, key: &RunKey) -> String {
        format!("{}echo none\n", self.known(key))
    }

    /// Submits the job of a run unless that was done. Should two be submitted all the same, the second finds the first
    /// one's claim and ends at once.
    pub(crate) fn submit(&self, key: &RunKey, batch: &str) -> String {
        let name = names::CANCEL;
        format!(
            "{}if [ -e {name} ]; then echo canceled; exit 0; fi
cat > batch.sh << 'OUTHAUL_END_OF_BATCH'
{batch}OUTHAUL_END_OF_BATCH
if answer=$(sbatch --parsable batch.sh 2> sbatch.err); then
    found=${{answer##*
}}
    echo \"${{found%%;*}}\" > job.new && mv job.new job
    echo \"job $(cat job)\"
else
    echo \"refused $(cat sbatch.err)\"
fi
",
            self.known(key)
        )
    }

    /// Submits runs of one array together, by one call, under a name: those that were submitted already are left out.
    /// Answers `element KEY ID`, `element KEY canceled`, and for all others `array NUMBER` or `refused WHY`.
    pub(crate) fn submit_array(&self, name: &str, batch: &str, elements: &[(RunKey, u32)]) -> String {
        let lines: String = elements
            .iter()
            .map(|(key, index)| format!("{key} {index}\n"))
            .collect();
        let cancel = names::CANCEL;
        format!(
            "{}runs={}
mkdir -p \"$arrays/{name}\" && cd \"$arrays/{name}\" || {{ echo 'refused error: its folder cannot be made (is the disk full?)'; exit 0; }}
wanted=
last=
while read -r key index; do
    dir=$runs/$key
    if [ -s \"$dir/job\" ]; then echo \"element $key $(cat \"$dir/job\")\"; continue; fi
    if [ -e \"$dir/{cancel}\" ]; then echo \"element $key canceled\"; continue; fi
    if read -r before _ 2> /dev/null < \"$dir/array\"; then
        [ \"$before\" = \"$last\" ] || number_of \"$before\"
        last=$before
        if [ -n \"$found\" ]; then echo \"element $key ${{found}}_$index\"; continue; fi
    fi
    echo \"{name} $index\" > \"$dir/array\" && ln -sfn \"$dir\" \"$index\" ||
        {{ echo 'refused error: the runs cannot be noted down (is the disk full?)'; exit 0; }}
    wanted=$wanted,$index
done << 'OUTHAUL_END_OF_ELEMENTS'
{lines}OUTHAUL_END_OF_ELEMENTS
[ -n \"$wanted\" ] || exit 0
cat > batch.sh << 'OUTHAUL_END_OF_BATCH'
{batch}OUTHAUL_END_OF_BATCH
if answer=$(sbatch --parsable --array=\"${{wanted#,}}\" batch.sh 2> sbatch.err); then
    found=${{answer##*
}}
    echo \"${{found%%;*}}\" > job.new && mv job.new job
    echo \"array $(cat job)\"
else
    echo \"refused $(cat sbatch.err)\"
fi
",
            self.number_of(),
            quote(&self.runs),
        )
    }

    /// Takes a run that may be about to be submitted, or was, from the queue.
    pub(crate) fn prevent(&self, key: &RunKey) -> String {
        format!(
            "{}if read -r name index 2> /dev/null < {}/array; then
    number_of \"$name\"
    if [ -n \"$found\" ]; then scancel \"${{found}}_$index\" 2> /dev/null; fi
fi
scancel --name={key} -u \"$(id -un)\" 2>&1
",
            self.number_of(),
            quote(&self.run_dir(key))
        )
    }

    /// Takes a released run's link from its array, and the array's folder with the last one.
    pub(crate) fn leave_array(&self, key: &RunKey) -> String {
        format!(
            "read -r name index 2> /dev/null < {}/array || exit 0
cd {}/\"$name\" 2> /dev/null || exit 0
rm -f \"$index\"
for link in *; do [ ! -L \"$link\" ] || exit 0; done
cd .. && rm -rf \"$name\"
rmdir . 2> /dev/null
:
",
            quote(&self.run_dir(key)),
            quote(&self.arrays())
        )
    }
}

/// Ends a job: one that waits is taken from the queue; one that runs is asked to end, and ended by force after the grace.
/// A job that is over is no error.
pub(crate) fn cancel(job: &str, grace_seconds: u128) -> String {
    format!(
        "scancel --state=PENDING {job} 2> /dev/null
said=$(scancel --full --signal=TERM {job} 2>&1) || case $said in *[Ii]nvalid*|*already*|*[Cc]ompleting*) ;; *) echo \"$said\"; exit 1 ;; esac
setsid sh -c 'sleep {grace_seconds}; exec scancel {job}' < /dev/null > /dev/null 2>&1 &
:"
    )
}
