//! Ways to a NATS server: encrypted connections, client certificates, credentials files, and the
//! sentence that each wrong way gets.

mod nats_book;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use nats_connection::{Login, NatsError, NatsOptions, TlsFiles, connect};
use nkeys::KeyPair;
use serde_json::{Value, json};
use tests::nats::{NatsServer, skipped};

use nats_book::runtime;

/// An authority, a server's certificate for 127.0.0.1, and a client's.
struct Certificates(tempfile::TempDir);

impl Certificates {
    /// `None` where openssl is not installed.
    fn make() -> Option<Self> {
        let has = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
        if !has.is_ok_and(|status| status.success()) {
            skipped("openssl", "install it (apt-get install openssl)");
            return None;
        }
        let made = Self(tempfile::tempdir().expect("a folder"));
        let own = ["-subj", "/CN=ca", "-addext", "basicConstraints=critical,CA:TRUE"];
        made.request("ca", &[&["-x509", "-days", "2"], &own[..]].concat());
        made.sign("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
        made.sign("client", "subjectAltName=DNS:ada\nextendedKeyUsage=clientAuth\n");
        // Another authority, which signed nothing here.
        made.request("other", &["-x509", "-days", "2", "-subj", "/CN=other"]);
        Some(made)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn openssl(&self, arguments: &[&str]) {
        let ran = Command::new("openssl")
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .expect("openssl runs");
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// A fresh key and what `openssl req` makes of it.
    fn request(&self, name: &str, arguments: &[&str]) {
        let (key, out) = (format!("{name}.key"), format!("{name}.pem"));
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let files = ["-keyout", key.as_str(), "-out", out.as_str()];
        self.openssl(&[&["req"], &curve[..], &files, arguments].concat());
    }

    fn sign(&self, name: &str, extensions: &str) {
        let (csr, pem, ext) = (format!("{name}.csr"), format!("{name}.pem"), format!("{name}.ext"));
        self.request(name, &["-subj", &format!("/CN={name}")]);
        fs::rename(self.path(&pem), self.path(&csr)).expect("renamed");
        fs::write(self.path(&ext), extensions).expect("written");
        let authority = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
        let files = ["-in", csr.as_str(), "-out", pem.as_str(), "-extfile", ext.as_str()];
        self.openssl(&[&["x509", "-req"], &authority[..], &files].concat());
    }

    fn config(&self, more: &str) -> String {
        let file = |name: &str| self.path(name).display().to_string();
        format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, {more} }}",
            file("server.pem"),
            file("server.key"),
            file("ca.pem"),
        )
    }

    fn trust(&self, authority: &str) -> TlsFiles {
        TlsFiles { ca: Some(self.path(authority)), ..TlsFiles::default() }
    }
}

fn reach(server: &NatsServer, tls: TlsFiles) -> Result<(), NatsError> {
    let mut options = NatsOptions::to([server.url()]);
    options.tls = tls;
    runtime().block_on(async {
        let client = connect(&options).await?;
        client.client().flush().await.expect("it is a connection");
        Ok(())
    })
}

#[test]
fn an_encrypted_server_is_reached_with_its_authority_and_not_without() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = NatsServer::start(&certificates.config("verify: false")) else { return };
    reach(&server, certificates.trust("ca.pem")).expect("reached");
    for wrong in [certificates.trust("other.pem"), TlsFiles::default()] {
        let error = reach(&server, wrong).expect_err("the server is not trusted");
        assert!(matches!(error, NatsError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains("certificate authority"), "{error}");
    }
}

#[test]
fn a_server_that_asks_for_client_certificates_is_reached_with_one_only() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = NatsServer::start(&certificates.config("verify: true")) else { return };
    let mut tls = certificates.trust("ca.pem");
    let error = reach(&server, tls.clone()).expect_err("no certificate");
    assert!(matches!(error, NatsError::Tls { .. }), "{error:?}");
    tls.cert = Some(certificates.path("client.pem"));
    tls.key = Some(certificates.path("client.key"));
    reach(&server, tls).expect("reached");
}

#[test]
fn a_connection_may_be_encrypted_before_the_server_says_anything() {
    let Some(certificates) = Certificates::make() else { return };
    let config = certificates.config("verify: false, handshake_first: true");
    let Some(server) = NatsServer::start(&config) else { return };
    let first = TlsFiles { first: true, ..certificates.trust("ca.pem") };
    reach(&server, first).expect("reached");
}

#[test]
fn a_plain_server_is_not_spoken_to_when_encryption_is_wanted() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = NatsServer::start("") else { return };
    let error = reach(&server, certificates.trust("ca.pem")).expect_err("not encrypted");
    assert!(matches!(error, NatsError::Tls { .. } | NatsError::Unreachable { .. }), "{error:?}");
}

#[test]
fn a_user_of_an_operator_comes_with_a_credentials_file() {
    let (operator, account) = (KeyPair::new_operator(), KeyPair::new_account());
    let user = KeyPair::new_user();
    let claims = |kind: &str| json!({"type": kind, "version": 2});
    let of_operator = jwt(&operator, &operator, "op", &claims("operator"));
    let mut limits = claims("account");
    limits["limits"] = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
        "wildcards": true, "conn": -1, "leaf": -1});
    let of_account = jwt(&account, &operator, "acc", &limits);
    let mut limits = claims("user");
    limits["subs"] = json!(-1);
    limits["data"] = json!(-1);
    limits["payload"] = json!(-1);
    let of_user = jwt(&user, &account, "ada", &limits);

    let config = format!(
        "operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {}: {of_account} }}",
        account.public_key()
    );
    let Some(server) = NatsServer::start(&config) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = NatsOptions::to([server.url()]);
    options.login = Login::Credentials(creds(folder.path(), "ada", &of_user, &user));
    runtime().block_on(async {
        connect(&options).await.expect("known");
        // The seed of somebody else does not fit the token.
        let other = creds(folder.path(), "other", &of_user, &KeyPair::new_user());
        options.login = Login::Credentials(other);
        let error = connect(&options).await.expect_err("a stolen token");
        assert!(matches!(error, NatsError::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains("the credentials in"), "{error}");
    });
}

/// A token as operators of NATS sign them: about `subject`, by `issuer`.
fn jwt(subject: &KeyPair, issuer: &KeyPair, name: &str, nats: &Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let header = json!({"typ": "JWT", "alg": "ed25519-nkey"});
    let claims = json!({
        "jti": "test", "iat": now, "iss": issuer.public_key(), "name": name,
        "sub": subject.public_key(), "nats": nats,
    });
    let part = |value: &Value| base64(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = issuer.sign(signed.as_bytes()).expect("signs");
    format!("{signed}.{}", base64(&signature))
}

/// URL-safe, without padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let group = |chunk: &[u8]| {
        let word =
            (0..3).fold(0_u32, |word, at| word << 8 | u32::from(*chunk.get(at).unwrap_or(&0)));
        (0..=chunk.len()).map(move |at| char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]))
    };
    bytes.chunks(3).flat_map(group).collect()
}

fn creds(folder: &Path, name: &str, token: &str, key: &KeyPair) -> std::path::PathBuf {
    let file = folder.join(format!("{name}.creds"));
    let seed = key.seed().expect("a seed");
    let text = format!(
        "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
         -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
    );
    fs::write(&file, text).expect("written");
    file
}
