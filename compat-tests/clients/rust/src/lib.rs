//! The command line that the Rust clients of the matrix share: steps and flags in, JSON lines out.
//!
//! The contract is the same in every language; doc.go in the parent folder describes it.

mod commands;
mod options;
pub mod output;
mod record;

use std::error::Error;
use std::io::{Read, stdin};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub use commands::{Answer, Answerer, Command};
pub use options::Options;
pub use record::{Header, Record};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What each Rust client implements, one method for each step; a client may lack the last ones.
pub trait Client {
    /// The library's version.
    fn version(&self) -> &str;

    fn create(&self, o: &Options) -> Result<()>;

    /// Returns when every record is acknowledged.
    fn produce(&self, o: &Options, records: &[Record]) -> Result<()>;

    /// Emits o.count records of o.topics, which have one partition each, from their beginning or o.since, without a group.
    fn read(&self, o: &Options) -> Result<()>;

    /// Sends the records as they come, tells of each where it is, and returns when all have their outcome.
    fn stream(&self, o: &Options, records: &mut dyn Iterator<Item = Result<Record>>) -> Result<()>;

    /// Is given a command after the other.
    fn admin(&self, o: &Options) -> Result<Answerer>;

    /// Emits exactly o.count records, commits the offsets after them, and leaves the group.
    fn consume(&self, _: &Options) -> Result<()> {
        lacking("consume")
    }

    /// Stays in the group until it is to leave.
    fn member(&self, _: &Options, _leave: &AtomicBool) -> Result<()> {
        lacking("member")
    }

    /// A member that commits behind what it has read; a commit that is refused or lost is no error.
    fn worker(&self, _: &Options, _leave: &AtomicBool) -> Result<()> {
        lacking("worker")
    }

    /// Is given a command after the other.
    fn transact(&self, _: &Options) -> Result<Answerer> {
        lacking("transact")
    }

    /// Tells whether an error means that another producer has taken over.
    fn fenced(&self, _: &(dyn Error + 'static)) -> bool {
        false
    }
}

fn lacking<T>(step: &str) -> Result<T> {
    Err(format!("no step {step} in this client").into())
}

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// The version of a package as a lock file has it; the program is built with it or not at all.
pub fn locked_version<'a>(lock: &'a str, package: &str) -> &'a str {
    let (_, entry) = lock
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .expect("the package is in the lock file");
    &entry[..entry.find('"').expect("the version ends")]
}

/// Runs the step that the command line names; it fails when that does.
pub fn main(client: &dyn Client) -> ExitCode {
    match run(client) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(client: &dyn Client) -> Result<()> {
    let (step, mut o) = Options::parse(std::env::args().skip(1))?;
    match step.as_str() {
        "about" => output::about(client.version(), &CODECS),
        "create" => {
            client.create(&o)?;
            output::created();
        }
        "produce" => {
            let records = record::all()?;
            client.produce(&o, &records)?;
            output::produced(records.len());
        }
        "write" => {
            let records = record::all()?;
            for (topic, codec) in o.topics.clone().into_iter().zip(o.codecs.clone()) {
                (o.topic, o.codec) = (topic, codec);
                client.produce(&o, &records)?;
            }
            output::produced(records.len() * o.topics.len());
        }
        "read" => client.read(&o)?,
        "stream" => {
            let mut count = 0;
            client.stream(&o, &mut record::each().inspect(|_| count += 1))?;
            output::produced(count);
        }
        "admin" => commands::run(client, client.admin(&o)?)?,
        "consume" => client.consume(&o)?,
        "member" => {
            client.member(&o, &leave_requested())?;
            output::left();
        }
        "worker" => {
            client.worker(&o, &leave_requested())?;
            output::left();
        }
        "transact" => commands::run(client, client.transact(&o)?)?,
        _ => return Err(format!("unknown step {step:?}").into()),
    }
    Ok(())
}

/// Is set at the end of standard input, which asks a member to leave.
fn leave_requested() -> Arc<AtomicBool> {
    let leave = Arc::new(AtomicBool::new(false));
    let requested = Arc::clone(&leave);
    thread::spawn(move || {
        let _ = stdin().read_to_end(&mut Vec::new()); // an error is an end too
        requested.store(true, Ordering::Relaxed);
    });
    leave
}
