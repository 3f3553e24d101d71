use crate::Result;

/// The flags that follow the step.
#[derive(Default)]
pub struct Options {
    pub bootstrap: String,
    pub topic: String,
    pub group: String,
    pub codec: String,
    pub partitions: i32,
    /// Records to read.
    pub count: usize,
    pub session_ms: u32,
    /// Protocol of a worker's group: classic or consumer.
    pub protocol: String,
    /// Topics to write or read, and the codec of each to write.
    pub topics: Vec<String>,
    pub codecs: Vec<String>,
    /// What the client's own limits must allow a request.
    pub max_bytes: Option<usize>,
    /// Begins a read at the first record that is not older, in milliseconds.
    pub since: Option<i64>,
    /// Makes a member a static one.
    pub instance: Option<String>,
}

impl Options {
    /// The step, and the flags in pairs of name and value.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<(String, Options)> {
        let step = args.next().ok_or("no step: doc.go lists them")?;
        let mut o = Options {
            codec: "none".into(),
            session_ms: 45_000,
            protocol: "classic".into(),
            ..Options::default()
        };
        let list = |text: String| text.split(',').map(String::from).collect();
        while let Some(name) = args.next() {
            let value = args.next().ok_or_else(|| format!("no value for {name}"))?;
            match name.as_str() {
                "--bootstrap" => o.bootstrap = value,
                "--topic" => o.topic = value,
                "--group" => o.group = value,
                "--codec" => o.codec = value,
                "--partitions" => o.partitions = value.parse()?,
                "--count" => o.count = value.parse()?,
                "--session-ms" => o.session_ms = value.parse()?,
                "--protocol" => o.protocol = value,
                "--topics" => o.topics = list(value),
                "--codecs" => o.codecs = list(value),
                "--max-bytes" => o.max_bytes = Some(value.parse()?),
                "--since" => o.since = Some(value.parse()?),
                "--instance" => o.instance = Some(value),
                _ => return Err(format!("unknown flag {name:?}").into()),
            }
        }
        Ok((step, o))
    }
}
