//! What the login host's shell is asked to do: find, submit, cancel. Pure; each script answers in lines that `layer` reads.
//!
//! A run's folder holds `job`, the number of its own job, or `array`: the name of the array of jobs that it was submitted
//! with and its index there; `asked` is made before the scheduler is asked for a job, so that a first try need not look
//! for what an earlier one left. An array of jobs has a folder by its name beside the runs: `job` is its number, and a link
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

    /// Defines `look NAME FORMAT` and `number_of NAME`, which set `found` to the number of a job or an array of jobs by its
    /// name, or to nothing. Where the queue cannot be seen, they answer `refused WHY` and end: what is not seen may be
    /// there.
    fn number_of(&self) -> String {
        format!(
            "arrays={}
look() {{
    found=$(squeue -h -t all -u \"$(id -un)\" -n \"$1\" -o \"$2\" 2>&1) || {{ echo \"refused $found\"; exit 0; }}
    found=$(printf '%s\\n' \"$found\" | tr -d ' ' | grep -x '[0-9][0-9]*' | head -n 1)
}}
number_of() {{
    if [ -s \"$arrays/$1/job\" ]; then
        read -r found < \"$arrays/$1/job\"
    else
        look \"$1\" %F
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
if [ -e asked ]; then
    look {key} %A
    if [ -n \"$found\" ]; then echo \"$found\" > job.new && mv job.new job; echo \"job $found\"; exit 0; fi
fi
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
: > asked || {{ echo 'refused error: the run cannot be noted down (is the disk full?)'; exit 0; }}
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
:
",
            quote(&self.run_dir(key)),
            quote(&self.arrays())
        )
    }
}

/// Ends a job: one that waits is taken from the queue; one that runs is asked to end, and ended by force after the grace.
/// A job that is over is no error; of one that ends just then, `scancel` fails without a word. Whatever it was, the forced
/// end follows.
pub(crate) fn cancel(job: &str, grace_seconds: u128) -> String {
    format!(
        "scancel --state=PENDING {job} 2> /dev/null
said=$(scancel --full --signal=TERM {job} 2>&1) || case $said in ''|*[Ii]nvalid*|*already*|*[Cc]ompleting*) ;; *) echo \"$said\"; exit 1 ;; esac
setsid sh -c 'sleep {grace_seconds}; exec scancel {job}' < /dev/null > /dev/null 2>&1 &
:"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;
    use std::process::Command;

    use outhaul_types::RunId;

    use super::*;

    /// Runs a script with these programs in place of the scheduler's.
    fn run(folder: &Path, script: &str, squeue: &str, sbatch: &str) -> String {
        let programs = folder.join("programs");
        std::fs::create_dir_all(&programs).unwrap();
        for (name, text) in [("squeue", squeue), ("sbatch", sbatch)] {
            let path = programs.join(name);
            std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        let path = std::env::join_paths(
            std::iter::once(programs).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let output = Command::new("sh")
            .args(["-c", script])
            .env("PATH", path.unwrap())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    #[test]
    fn a_job_is_asked_for_once_whatever_the_answers() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            runs: folder.path().join("runs").display().to_string(),
        };
        let keys: Vec<(RunKey, u32)> = (0..3)
            .map(|index| (RunId::generate().unwrap().key(1), index))
            .collect();
        for (key, _) in &keys {
            std::fs::create_dir_all(places.run_dir(key)).unwrap();
        }
        let there = folder.path();
        let never = "echo unexpected; exit 9";
        // A first try does not look at the queue; one whose answer was lost does, and finds what it left.
        let submit = places.submit(&keys[0].0, "#!/bin/sh\n");
        assert_eq!(run(there, &submit, never, "exit 1"), "refused");
        let busy = "echo 'slurm_load_jobs error: Unable to contact slurm controller'; exit 1";
        let said = run(there, &submit, busy, never);
        assert!(
            said.starts_with("refused slurm_load_jobs error"),
            "what is not seen may be there: {said}"
        );
        assert_eq!(run(there, &submit, "echo warning; echo ' 12'", never), "job 12");
        assert_eq!(run(there, &submit, never, never), "job 12");
        assert_eq!(run(there, &places.find(&keys[1].0), never, never), "none");

        // An array, one of whose runs has a job already.
        let array = places.submit_array("a-1", "#!/bin/sh\n", &keys);
        let said = run(there, &array, never, "echo \"$2\" >&2; exit 1");
        assert_eq!(said, format!("element {} 12\nrefused --array=1,2", keys[0].0));
        assert_eq!(run(there, &places.find(&keys[1].0), "exit 0", never), "none");
        // The scheduler has it, as its name tells.
        assert_eq!(run(there, &places.find(&keys[2].0), "echo 34", never), "job 34_2");
        let again = places.submit_array("a-2", "#!/bin/sh\n", &keys);
        let said = run(there, &again, never, never);
        let expected: Vec<String> = [("12", 0), ("34_1", 1), ("34_2", 2)]
            .map(|(job, place)| format!("element {} {job}", keys[place].0))
            .to_vec();
        assert_eq!(said, expected.join("\n"));

        let link = Path::new(&places.arrays()).join("a-1/1/array");
        assert_eq!(std::fs::read_to_string(link).unwrap(), "a-1 1\n");
        run(there, &places.leave_array(&keys[1].0), never, never);
        assert!(Path::new(&places.arrays()).join("a-1/2").exists());
        run(there, &places.leave_array(&keys[2].0), never, never);
        assert!(!Path::new(&places.arrays()).join("a-1").exists());
    }

    #[test]
    fn a_run_that_was_canceled_is_not_submitted() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            runs: folder.path().join("my runs").display().to_string(),
        };
        let key = RunId::generate().unwrap().key(1);
        std::fs::create_dir_all(places.run_dir(&key)).unwrap();
        std::fs::write(format!("{}/cancel", places.run_dir(&key)), "").unwrap();
        let never = "echo unexpected; exit 9";
        let submit = places.submit(&key, "");
        assert_eq!(run(folder.path(), &submit, never, never), "canceled");
        let array = places.submit_array("a", "", &[(key.clone(), 7)]);
        assert_eq!(
            run(folder.path(), &array, never, never),
            format!("element {key} canceled")
        );
    }
}
