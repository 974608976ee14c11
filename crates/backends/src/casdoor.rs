//! An OAuth 2 server at Casdoor's addresses, and the browser that signs in there.

use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// npm's `oidc-provider` as `dev/backends/casdoor_peer.mjs` sets it up, on a port of its own.
pub struct Casdoor {
    process: Child,
    port: u16,
}

impl Casdoor {
    pub const CLIENT_ID: &str = "casdoor-client";
    pub const CLIENT_SECRET: &str = "casdoor-secret";

    /// A server that sends browsers back to `callback_url`, with tokens that are good for so many seconds. With 0 it
    /// answers as Casdoor does for a token that is no good.
    ///
    /// # Panics
    /// Node or the package is not there.
    #[must_use]
    pub fn start(callback_url: &str, seconds: u32) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/backends/casdoor_peer.mjs");
        let mut process = Command::new(node())
            .arg(script)
            .args([callback_url, &seconds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Node is needed: run dev/test, which installs it");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| line.unwrap().strip_prefix("listening on ")?.parse().ok());
        let port = port.expect("the package oidc-provider is needed: run dev/test, which installs it");
        // What else it says is of no interest, but it must be able to say it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, port }
    }

    /// `http://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Casdoor {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// On `PATH`, or where `dev/test` installs it.
fn node() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(Into::into).or(home);
    let installed = cache.map(|cache: std::path::PathBuf| cache.join("postern/node"));
    let folders = std::env::split_paths(&path).chain(installed);
    let found = folders.map(|folder| folder.join("node")).find(|program| program.is_file());
    found.unwrap_or_else(|| "node".into())
}

/// A browser as far as signing in needs one: it keeps cookies, and follows redirects when told to.
pub struct Browser {
    client: Client,
    /// By name, for each host and port.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// A page, or a redirect to one.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: u16,
    /// Where the browser is sent.
    pub location: Option<Url>,
    /// Each `Set-Cookie` line.
    pub set_cookies: Vec<String>,
    pub text: String,
}

impl Default for Browser {
    fn default() -> Self {
        let client = Client::builder().redirect(Policy::none()).no_proxy().pool_max_idle_per_host(0).build();
        Self { client: client.unwrap(), cookies: BTreeMap::new() }
    }
}

impl Browser {
    /// One page, without following its redirect.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn get(&mut self, url: &str) -> Page {
        let url: Url = url.parse().unwrap();
        let request = self.client.get(url.clone()).header("cookie", self.cookies_for(&url));
        self.take_in(url, request.send().await.unwrap()).await
    }

    async fn post(&mut self, url: Url, form: &str) -> Page {
        let request = self.client.post(url.clone()).header("cookie", self.cookies_for(&url));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        self.take_in(url, request.send().await.unwrap()).await
    }

    /// Signs in on Casdoor's pages, beginning at a redirect to them; returns at the redirect to an address that
    /// begins with `callback_url`.
    ///
    /// # Panics
    /// It does not come to that.
    pub async fn sign_in(&mut self, mut page: Page, callback_url: &str) -> Url {
        for _ in 0..12 {
            match &page.location {
                Some(location) if location.as_str().starts_with(callback_url) => return location.clone(),
                Some(location) => {
                    let location = location.to_string();
                    page = self.get(&location).await;
                }
                None => {
                    let action = page.text.split("<form").nth(1).and_then(|form| attribute(form, "action"));
                    let action = page.url.join(&action.unwrap_or_else(|| panic!("no form in {page:?}"))).unwrap();
                    let form = match page.text.contains("value=\"login\"") {
                        true => "prompt=login&login=alice&password=any",
                        false => "prompt=consent",
                    };
                    page = self.post(action, form).await;
                }
            }
        }
        panic!("signing in does not come to an end: {page:?}")
    }

    /// Its cookie of that host whose name begins with `name`.
    #[must_use]
    pub fn cookie(&self, url: &str, name: &str) -> Option<(String, String)> {
        let cookies = self.cookies.get(&authority(&url.parse().ok()?))?;
        let found = cookies.iter().find(|(known, _)| known.starts_with(name));
        found.map(|(name, value)| (name.clone(), value.clone()))
    }

    /// Puts a cookie where the host's own would be.
    ///
    /// # Panics
    /// `url` is none.
    pub fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        let of_host = self.cookies.entry(authority(&url.parse().unwrap())).or_default();
        of_host.insert(name.to_owned(), value.to_owned());
    }

    fn cookies_for(&self, url: &Url) -> String {
        let cookies = self.cookies.get(&authority(url)).into_iter().flatten();
        cookies.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    async fn take_in(&mut self, url: Url, response: Response) -> Page {
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let location = header("location").map(|location| url.join(&location).unwrap());
        let lines = response.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
        let set_cookies: Vec<String> = lines.collect();
        for line in &set_cookies {
            let (name, value) = line.split(';').next().and_then(|pair| pair.split_once('=')).unwrap();
            self.set_cookie(url.as_str(), name, value);
        }
        Page { url, status: response.status().as_u16(), location, set_cookies, text: response.text().await.unwrap() }
    }
}

fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value.to_owned())
}
