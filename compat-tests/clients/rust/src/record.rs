use std::io::stdin;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Result;

/// What produce takes and read tells; bytes that are None are null on the wire.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Record {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    /// Milliseconds since the epoch; None where the client chooses.
    pub timestamp: Option<i64>,
    #[serde(with = "base64_or_null")]
    pub key: Option<Vec<u8>>,
    #[serde(with = "base64_or_null")]
    pub value: Option<Vec<u8>>,
    pub headers: Vec<Header>,
}

/// In JSON a [name, value] pair.
#[derive(Serialize, Deserialize)]
pub struct Header(pub String, #[serde(with = "base64_or_null")] pub Option<Vec<u8>>);

mod base64_or_null {
    use super::*;

    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        bytes.as_ref().map(|bytes| STANDARD.encode(bytes)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text)).transpose().map_err(de::Error::custom)
    }
}

/// The records on standard input as they come.
pub(crate) fn each() -> impl Iterator<Item = Result<Record>> {
    stdin().lines().map(|line| Ok(serde_json::from_str(&line?)?))
}

pub(crate) fn all() -> Result<Vec<Record>> {
    each().collect()
}
