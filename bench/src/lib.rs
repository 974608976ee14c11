#![doc = include_str!("../README.md")]

pub mod traffic;

use anyhow::{Context, Result, ensure};
use control::{Control, InstanceFacts, Parts, RunningGateway};
use futures_util::stream::{StreamExt, iter};
use gateway::{Gateway, GatewayConfig};
use postern::consumer::{Consumer, ConsumerForm};
use postern::control::{ControlPlane, Operator};
use postern::credential::{Credential, CredentialForm, CredentialType, SecretFieldForm, Source};
use postern::fingerprint::FingerprintKey;
use postern::name::{GroupName, ObjectId};
use postern::provider::ProviderForm;
use postern::provider::vault::{AuthForm, FormSecret, VaultForm};
use postern::sensitive::{Entered, Plain, Sealed};
use postern::session_key::SessionKey;
use postern::time::{Clock, Millis};
use secrets::Engine;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use store::{Kind, NewRow, Place, Sealer, Store};
use tokio_util::sync::CancellationToken;

/// A clock that begins at a round number.
struct FromStart(Instant);

impl Clock for FromStart {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000 + u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// Control plane and gateway over one folder.
pub struct House {
    pub control: Control,
    pub store: Store,
    pub gateway: Arc<GatewayFacts>,
    stop: CancellationToken,
}

/// The gateway as the control plane sees it.
pub struct GatewayFacts(Gateway);

impl RunningGateway for GatewayFacts {
    fn address(&self) -> SocketAddr {
        self.0.local_addr()
    }
    fn applied_revision(&self) -> u64 {
        self.0.applied_revision()
    }
    fn authenticated_seen(&self) -> bool {
        false
    }
}

impl House {
    /// Starts on what is stored in `folder`.
    ///
    /// # Errors
    /// Whatever fails: a benchmark stops there.
    pub async fn start(folder: &Path) -> Result<Self> {
        let (store, sealer) = open(folder).await?;
        let stop = CancellationToken::new();
        let clock: Arc<dyn Clock> = Arc::new(FromStart(Instant::now()));
        let fingerprints = FingerprintKey::new([3; 32]);
        let parts = Parts {
            store: store.clone(),
            sealer,
            engine: Engine::start(clock.clone(), fingerprints.clone(), stop.clone()),
            clock: clock.clone(),
            fingerprints,
            session_key: SessionKey::new([4; 32].into()),
            own_addresses: Vec::new(),
            ambient: std::collections::BTreeMap::new(),
            instance: InstanceFacts { id: "bench".to_owned(), version: "0".to_owned(), started_at: Millis(0) },
        };
        let control = Control::start(parts, stop.clone()).await?;
        let gateway = Gateway::start(([127, 0, 0, 1], 0).into(), GatewayConfig::default(), clock, control.snapshots())?;
        let gateway = Arc::new(GatewayFacts(gateway));
        control.attach(gateway.clone());
        Ok(Self { control, store, gateway, stop })
    }

    /// Where the gateway listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// Registers the Vault at `url` as the secret provider `bench`, for secrets below `secret/bench`.
    ///
    /// # Errors
    /// It is refused.
    pub async fn add_vault(&self, url: &str, token: &str) -> Result<()> {
        let form = ProviderForm {
            id: "bench".to_owned(),
            vault: VaultForm {
                url: url.to_owned(),
                prefix: "secret/bench".to_owned(),
                auth: AuthForm { token: FormSecret(token.to_owned()), ..AuthForm::default() },
                ..VaultForm::default()
            },
            ..ProviderForm::default()
        };
        let provider = form.parse().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let operator = Operator { name: "bench".to_owned() };
        self.control.add_provider(&operator, &GroupName::default_group(), provider).await?;
        Ok(())
    }

    /// Returns when the gateway enforces a configuration in which so many keys authenticate.
    ///
    /// # Errors
    /// The control plane has ended.
    pub async fn until_armed(&self, keys: usize) -> Result<()> {
        let mut snapshots = self.control.snapshots();
        let snapshot = snapshots.wait_for(|snapshot| snapshot.keys.len() >= keys).await?.clone();
        let mut applied = self.gateway.0.applied();
        applied.wait_for(|applied| *applied >= snapshot.revision).await?;
        Ok(())
    }

    /// Stops and closes.
    pub async fn end(self) {
        self.stop.cancel();
        self.store.close().await;
    }
}

/// The database of `folder`, and what seals it.
///
/// # Errors
/// It cannot be opened.
pub async fn open(folder: &Path) -> Result<(Store, Sealer)> {
    let store = Store::open(&format!("sqlite:{}", folder.join("postern.db").display())).await?;
    let key = control::open_master_key(&store, &folder.join("master.key")).await?;
    Ok((store, Sealer::new(&key)?))
}

/// Stores consumers, each with one credential: `key` gives the field of the n-th.
///
/// # Errors
/// The database refuses them.
pub async fn store_consumers(
    store: &Store,
    sealer: &Sealer,
    count: usize,
    key: impl Fn(usize) -> SecretFieldForm,
) -> Result<()> {
    const AT_ONCE: usize = 10_000;
    for first in (0..count).step_by(AT_ONCE) {
        let mut rows = Vec::new();
        for n in first..count.min(first + AT_ONCE) {
            let consumer = consumer(&format!("consumer-{n}"))?;
            let row = format!("consumer-row-{n}");
            let credential = sealed(sealer, &credential(&format!("credential-{n}"), &consumer, key(n))?)?;
            rows.push(new_row(&row, Kind::Consumer, None, consumer.name.to_string(), &consumer)?);
            let name = format!("key-auth/{}", credential.name);
            rows.push(new_row(credential.id.as_str(), Kind::Credential, Some(row), name, &credential)?);
        }
        store.insert_all(&GroupName::default_group(), &rows, Millis(0)).await?;
    }
    Ok(())
}

/// A consumer of that name.
///
/// # Errors
/// The name cannot be one.
pub fn consumer(name: &str) -> Result<Consumer> {
    let form = ConsumerForm { name: name.to_owned(), ..ConsumerForm::default() };
    form.parse().map_err(|problems| anyhow::anyhow!("{problems:?}"))
}

/// A credential as entered.
///
/// # Errors
/// The field or the id cannot be one.
pub fn credential(id: &str, consumer: &Consumer, key: SecretFieldForm) -> Result<Credential<Entered>> {
    let id: ObjectId = id.parse()?;
    let form =
        CredentialForm { name: "primary-key".to_owned(), secret: key, ..CredentialForm::new(CredentialType::KeyAuth) };
    form.parse(id, consumer.name.clone()).map_err(|problems| anyhow::anyhow!("{problems:?}"))
}

/// A key typed in.
#[must_use]
pub fn literal(text: String) -> SecretFieldForm {
    SecretFieldForm { source: Source::ManuallyInput, text: FormSecret(text) }
}

/// A reference.
#[must_use]
pub fn reference(text: String) -> SecretFieldForm {
    SecretFieldForm { source: Source::Reference, text: FormSecret(text) }
}

fn sealed(sealer: &Sealer, credential: &Credential<Entered>) -> Result<Credential<Sealed>> {
    credential.try_map(|field, entered| {
        let plain = match entered {
            Entered::Replace(typed) => typed.clone().into_plain(),
            Entered::Keep => Plain::new(String::new()),
        };
        let place = Place { table: Kind::Credential.slug(), row: credential.id.as_str(), column: field };
        sealer.seal(place, &plain, Millis(0)).context("a key cannot be sealed")
    })
}

fn new_row(id: &str, kind: Kind, parent: Option<String>, name: String, object: &impl Serialize) -> Result<NewRow> {
    let spec = serde_json::to_string(object)?;
    let search = (kind == Kind::Consumer).then(String::new);
    Ok(NewRow { id: id.to_owned(), kind, parent, name, masked: spec.clone(), spec, search })
}

/// Runs the benchmark itself once more with `measure FOLDER COUNT`, so that nothing else lies in the memory that is measured.
/// What it prints is the answer, in JSON.
///
/// # Errors
/// It cannot be started, fails, or prints something else.
pub fn in_own_process<T: DeserializeOwned>(folder: &Path, count: usize) -> Result<T> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command.arg("measure").arg(folder).arg(count.to_string()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the measured process ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the process is to measure, when [`in_own_process`] has started it: what lies in the folder, and how many there are.
///
/// # Errors
/// It is not said how many.
pub fn to_measure(arguments: &[String]) -> Result<Option<(&Path, usize)>> {
    match arguments {
        [word, folder, count] if word == "measure" => Ok(Some((Path::new(folder), count.parse()?))),
        _ => Ok(None),
    }
}

/// As many reads of one provider as Postern has under way at once.
pub const READS_AT_ONCE: usize = 64;

/// The floor of resolving: seconds that a client takes which knows nothing but the URLs, and throws the answers away.
///
/// # Errors
/// A secret cannot be read.
pub async fn bare_reads(secrets: usize, token: &str, url: impl Fn(usize) -> String) -> Result<f64> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let started = Instant::now();
    let reads = iter(0..secrets).map(|secret| bare_read(&client, token, url(secret)));
    let answers: Vec<Result<()>> = reads.buffer_unordered(READS_AT_ONCE).collect().await;
    answers.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(started.elapsed().as_secs_f64())
}

/// One such read.
///
/// # Errors
/// There is no JSON in answer.
pub async fn bare_read(client: &reqwest::Client, token: &str, url: String) -> Result<()> {
    let answer = client.get(url).header("x-vault-token", token).send().await?.error_for_status()?;
    serde_json::from_slice::<serde_json::Value>(&answer.bytes().await?)?;
    Ok(())
}

/// The resident memory of this process, in bytes.
///
/// # Errors
/// The system does not tell: it is not Linux.
pub fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("resident memory is read from Linux's /proc")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

/// What the machine did besides, for whoever reads the figures.
#[must_use]
pub fn circumstances() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().take(1).collect::<String>();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) {
        "WITHOUT optimisation: only the counts and the memory mean anything"
    } else {
        "release"
    };
    format!("{cores} cores, load {load}, build: {build}")
}

/// The value below which `share` of the sorted `values` lie.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = (last as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or_default()
}
