use std::collections::BTreeMap;
use std::io::stdin;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{Client, Result, output};

/// One line for the steps admin and transact; which fields are set depends on the first.
#[derive(Deserialize, Default, Debug)]
#[serde(default, rename_all = "kebab-case")]
pub struct Command {
    pub r#do: String,
    pub r#as: String,
    pub id: String,
    pub timeout_ms: u64,
    pub topic: String,
    pub to: String,
    pub partition: i32,
    pub values: Vec<String>,
    pub group: String,
    /// Next offsets by partition.
    pub offsets: BTreeMap<i32, i64>,
    pub count: usize,
    pub abort_every: usize,
    pub isolation: String,
    pub name: String,
    pub value: String,
    pub before: i64,
}

/// What a command tells, if anything.
#[derive(Serialize, Default)]
pub struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets: Option<BTreeMap<i32, i64>>,
}

/// Does one command; an error is what the broker, or the client, has against it.
pub type Answerer = Box<dyn FnMut(&Command) -> Result<Answer>>;

pub(crate) fn run(client: &dyn Client, mut answerer: Answerer) -> Result<()> {
    for line in stdin().lines() {
        match answerer(&serde_json::from_str(&line?)?) {
            Ok(answer) => output::emit("done", answer),
            Err(error) => output::emit("refused", json!({"message": error.to_string(), "fenced": client.fenced(&*error)})),
        }
    }
    Ok(())
}
