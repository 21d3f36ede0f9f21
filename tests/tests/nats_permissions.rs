//! The permissions that `billfold nats permissions` prints, given to a real server: each
//! forbidden act is tried with a real client and refused by the server, each allowed one works.

mod nats_book;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Client, ConnectOptions, HeaderMap};
use client::nats::{NatsAsk, Patience, Unanswered};
use command_gateway::door::nats::{NatsDoor, NatsLimits, Serving};
use nats_connection::{Login, NatsOptions, connect};
use schemas::subjects::SubjectPrefix;
use schemas::wire::{Message, header};
use serde_json::{Value, json};
use tests::acme::{self, command_id};
use tests::nats::NatsServer;
use tests::process::run;
use tests::wait::PATIENCE;

use nats_book::{Book, document, message, runtime, until_true};

/// Users with their keys, and a server that knows them.
struct Setup {
    server: NatsServer,
    keys: tempfile::TempDir,
}

/// Everyone who may come: a name for the key, and the flags of `nats permissions`.
const USERS: [(&str, &[&str]); 6] = [
    ("gateway", &["--role=gateway"]),
    ("projector", &["--role=projector", "--view=invoices"]),
    ("ada", &["--role=client", "--actor=ada"]),
    ("eve", &["--role=client", "--actor=eve"]),
    ("till", &["--role=client", "--actor=till", "--may=command.payment.record"]),
    ("audit", &["--role=auditor", "--actor=audit"]),
];

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let ran = run(folder, arguments);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("text")
}

impl Setup {
    /// `None` where no server is installed.
    fn start() -> Option<Self> {
        tests::nats::binary()?;
        let keys = tempfile::tempdir().expect("a folder");
        let (mut definitions, mut users) = (String::new(), Vec::new());
        for (name, flags) in USERS {
            let file = keys.path().join(name);
            let file = file.to_str().expect("UTF-8");
            let public = printed(keys.path(), &["nats", "keygen", file]);
            let mut arguments = vec!["nats", "permissions"];
            arguments.extend(flags);
            arguments.extend(["--nkey", public.trim()]);
            let config = printed(keys.path(), &arguments);
            let variable = config.lines().find_map(|line| line.strip_suffix(" = {"));
            users.push(format!("${}", variable.expect("a variable")));
            definitions.push_str(&config);
        }
        let users = users.join(", ");
        let config = format!("authorization {{\n{definitions}\nusers: [ {users} ]\n}}\n");
        Some(Self { server: NatsServer::start(&config)?, keys })
    }

    fn seed(&self, name: &str) -> PathBuf {
        self.keys.path().join(name)
    }

    fn options(&self, name: &str) -> NatsOptions {
        let mut options = NatsOptions::to([self.server.url()]);
        options.login = Login::Nkey(self.seed(name));
        options.inbox_prefix = Some(format!("_INBOX_{name}"));
        options
    }

    /// A client of this user that keeps what the server refuses.
    async fn user(&self, name: &str) -> User {
        let refusals = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&refusals);
        let seed = std::fs::read_to_string(self.seed(name)).expect("a seed");
        let client = ConnectOptions::with_nkey(seed.trim().to_owned())
            .custom_inbox_prefix(format!("_INBOX_{name}"))
            .event_callback(move |event| {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(event.to_string());
                async {}
            })
            .connect(self.server.url())
            .await
            .expect("connected");
        User { client, refusals }
    }

    async fn asks(&self, name: &str) -> NatsAsk {
        let client = connect(&self.options(name)).await.expect("connected");
        let patience = Patience { answer: PATIENCE, nobody: PATIENCE, whole: PATIENCE };
        NatsAsk::new(client, SubjectPrefix::default(), patience)
    }
}

/// A connected user.
struct User {
    client: Client,
    refusals: Arc<Mutex<Vec<String>>>,
}

impl User {
    async fn refused(&self, what: &str, subject: &str) {
        let said = format!("{what} to \"{subject}\"").to_lowercase();
        until_true(&format!("the server refuses {said}"), || async {
            let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.iter().any(|refusal| {
                let refusal = refusal.to_lowercase();
                refusal.contains("permissions violation") && refusal.contains(&said)
            })
        })
        .await;
    }

    async fn may_not_publish(&self, subject: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(header::COMMAND_ID, command_id(99).to_string());
        let body = acme::opening().remove(0).1.to_string();
        let reply = self.client.new_inbox();
        self.client
            .publish_with_reply_and_headers(subject.to_owned(), reply, headers, body.into())
            .await
            .expect("sent");
        self.client.flush().await.expect("sent");
        self.refused("publish", subject).await;
    }

    async fn may_not_subscribe(&self, subject: &str) {
        let _subscription = self.client.subscribe(subject.to_owned()).await.expect("sent");
        self.refused("subscription", subject).await;
    }

    async fn may_not_join(&self, subject: &str, group: &str) {
        let joined = self.client.queue_subscribe(subject.to_owned(), group.to_owned()).await;
        let _subscription = joined.expect("sent");
        self.refused("subscription", subject).await;
    }
}

fn as_actor(actor: &str, mut message: Message) -> Message {
    message.subject = message.subject.replace(".as.ada.", &format!(".as.{actor}."));
    message
}

fn payment(actor: &str, n: u64) -> Message {
    as_actor(actor, acme::command(command_id(n), "payment.record", &acme::pay(1, n, "1.00")))
}

async fn accepted(ask: &NatsAsk, message: &Message) {
    let reply = ask.patiently(message).await.expect("answered");
    assert_eq!(document(&reply)["status"], "accepted", "{}", document(&reply));
}

async fn answered(ask: &NatsAsk, message: &Message) -> Value {
    let reply = ask.patiently(message).await.expect("answered");
    assert!(!reply.is_problem(), "{}: {}", message.subject, document(&reply));
    document(&reply)
}

/// Serves the gateway and the read model as the users that the permissions are for.
async fn served(setup: &Setup, book: &Book) -> Vec<Serving> {
    let limits = NatsLimits::default();
    let mut all = Vec::new();
    for (user, service) in [("gateway", book.service()), ("projector", book.projector())] {
        let client = connect(&setup.options(user)).await.expect("connected");
        let door = NatsDoor::new(client, SubjectPrefix::default(), limits);
        all.push(door.start(book.router(), vec![service]).await.expect("served"));
    }
    all
}

#[test]
fn each_role_can_do_its_work() {
    let Some(setup) = Setup::start() else { return };
    let book = Book::with_customers(1);
    runtime().block_on(async {
        let serving = served(&setup, &book).await;
        let ada = setup.asks("ada").await;
        accepted(&ada, &payment("ada", 1)).await;
        answered(&ada, &message("feed.read", &json!({"limit": 1}))).await;
        let asked = answered(&ada, &message("query.invoices.get", &json!({}))).await;
        assert_eq!(asked["asked_by"], "ada");
        let batch = json!({"commands": []});
        answered(&ada, &message("command.batch", &batch)).await;

        let till = setup.asks("till").await;
        accepted(&till, &payment("till", 2)).await;

        let audit = setup.asks("audit").await;
        for path in ["query.invoices.list", "feed.read", "admin.status"] {
            answered(&audit, &as_actor("audit", message(path, &json!({"limit": 1})))).await;
        }
        let audit = setup.user("audit").await;
        for subject in ["$SRV.PING", "$SRV.INFO.billfold-gateway", "$SRV.STATS.billfold-projector"]
        {
            let answer = audit.client.request(subject, "".into()).await.expect(subject);
            assert!(answer.payload.starts_with(b"{"), "{subject}");
        }
        for one in serving {
            one.close().await;
        }
    });
}

#[test]
fn a_client_cannot_act_as_another_read_replies_of_others_or_answer_as_the_gateway() {
    let Some(setup) = Setup::start() else { return };
    let book = Book::create();
    runtime().block_on(async {
        let serving = served(&setup, &book).await;
        let ada = setup.user("ada").await;
        for subject in [
            "billfold.main.as.eve.command.entity.define",
            "billfold.main.as.eve.query.invoices.get",
            "billfold.other.as.ada.command.entity.define",
            "billfold.main.as.ada.admin.status",
            "_INBOX_eve.forged.1",
            "_INBOX.forged",
            "$SRV.INFO",
            "$SYS.REQ.SERVER.PING",
        ] {
            ada.may_not_publish(subject).await;
        }
        let of_gateway = "billfold.main.as.*.command.payment.record";
        for subject in
            [">", "_INBOX_eve.>", "_INBOX.>", "billfold.>", of_gateway, "$SRV.>", "$SRV.PING"]
        {
            ada.may_not_subscribe(subject).await;
        }
        ada.may_not_join(of_gateway, "billfold").await;
        ada.may_not_join("billfold.main.as.*.query.invoices.get", "invoices").await;

        let till = setup.user("till").await;
        for path in ["command.payment.refund", "command.batch", "query.invoices.get", "feed.read"] {
            till.may_not_publish(&format!("billfold.main.as.till.{path}")).await;
        }
        assert_eq!(book.position(), 1, "nothing was done");
        for one in serving {
            one.close().await;
        }
    });
}

#[test]
fn a_client_cannot_have_the_gateway_write_into_the_inbox_of_another() {
    let Some(setup) = Setup::start() else { return };
    let book = Book::with_customers(1);
    let before = book.position();
    runtime().block_on(async {
        let serving = served(&setup, &book).await;
        let (ada, eve) = (setup.user("ada").await, setup.user("eve").await);
        let mut heard = eve.client.subscribe("_INBOX_eve.x").await.expect("her own");
        eve.client.flush().await.expect("sent");
        let mut headers = HeaderMap::new();
        headers.insert(header::COMMAND_ID, command_id(1).to_string());
        let body = acme::pay(1, 1, "1.00").to_string();
        let subject = "billfold.main.as.ada.command.payment.record";
        let forged = ada.client.publish_with_reply_and_headers(
            subject,
            "_INBOX_eve.x",
            headers,
            body.into(),
        );
        forged.await.expect("sent");
        let audit = setup.user("audit").await;
        until_true("the forged request is counted", || async {
            let asked = audit.client.request("$SRV.STATS.billfold-gateway", "".into()).await;
            let stats: Value =
                serde_json::from_slice(&asked.expect("answered").payload).expect("JSON");
            let all = stats["endpoints"].as_array().expect("endpoints").clone();
            all.iter().any(|one| one["data"]["unanswerable"] == 1)
        })
        .await;
        accepted(&setup.asks("ada").await, &payment("ada", 2)).await;
        eve.client.flush().await.expect("sent");
        let nothing =
            futures_util::FutureExt::now_or_never(futures_util::StreamExt::next(&mut heard));
        assert!(nothing.is_none(), "{nothing:?}");
        for one in serving {
            one.close().await;
        }
    });
    assert_eq!(book.position(), before + 1, "the forged request was not carried out");
}

#[test]
fn who_serves_cannot_send_commands_nor_serve_what_belongs_to_another_role() {
    let Some(setup) = Setup::start() else { return };
    runtime().block_on(async {
        let commands = "billfold.main.as.*.command.payment.record";
        let queries = "billfold.main.as.*.query.invoices.get";
        let projector = setup.user("projector").await;
        for subject in
            ["billfold.main.as.ada.command.entity.define", "_INBOX_ada.x", "anything", "$SRV.PING"]
        {
            projector.may_not_publish(subject).await;
        }
        projector.may_not_join(commands, "billfold").await;
        projector.may_not_join(commands, "invoices").await;
        projector.may_not_join("billfold.main.as.*.query.revenue.get", "revenue").await;
        projector.may_not_join("billfold.other.as.*.query.invoices.get", "invoices").await;
        projector.may_not_subscribe(queries).await;
        projector.may_not_subscribe("_INBOX_ada.>").await;

        let gateway = setup.user("gateway").await;
        for subject in ["billfold.main.as.ada.command.entity.define", "_INBOX_ada.x"] {
            gateway.may_not_publish(subject).await;
        }
        gateway.may_not_join(queries, "invoices").await;
        gateway.may_not_join(queries, "billfold").await;
        for subject in [commands, "_INBOX_ada.>", ">"] {
            gateway.may_not_subscribe(subject).await;
        }
    });
}

#[test]
fn an_auditor_changes_nothing() {
    let Some(setup) = Setup::start() else { return };
    let book = Book::create();
    runtime().block_on(async {
        let serving = served(&setup, &book).await;
        let audit = setup.user("audit").await;
        for path in ["command.entity.define", "command.batch", "admin.stop"] {
            audit.may_not_publish(&format!("billfold.main.as.audit.{path}")).await;
        }
        audit.may_not_publish("billfold.main.as.ada.query.invoices.get").await;
        for subject in ["_INBOX_ada.>", "billfold.>", "$SRV.PING"] {
            audit.may_not_subscribe(subject).await;
        }
        assert_eq!(book.position(), 1);
        for one in serving {
            one.close().await;
        }
    });
}

#[test]
fn without_a_user_or_with_an_unknown_one_nobody_comes_in() {
    let Some(setup) = Setup::start() else { return };
    runtime().block_on(async {
        let mut options = NatsOptions::to([setup.server.url()]);
        let nobody = connect(&options).await.expect_err("refused").to_string();
        assert!(nobody.contains("authorization violation"), "{nobody}");
        let unknown = setup.keys.path().join("unknown");
        printed(setup.keys.path(), &["nats", "keygen", unknown.to_str().expect("UTF-8")]);
        options.login = Login::Nkey(unknown);
        // One who serves does not wait for a permission either.
        options.waits_for_server = true;
        let refused = connect(&options).await.expect_err("refused").to_string();
        assert!(refused.contains("the nkey in"), "{refused}");
    });
}

#[test]
fn a_password_comes_from_the_environment_of_the_server_and_a_file_of_the_client() {
    let folder = tempfile::tempdir().expect("a folder");
    if tests::nats::binary().is_none() {
        return;
    }
    let flags = ["nats", "permissions", "--role=client", "--actor=ada", "--user=ada"];
    let config = printed(folder.path(), &flags);
    // A variable of the configuration stands for one of the environment.
    let config = format!(
        "ADA_PASSWORD: \"open sesame\"\nauthorization {{\n{config}\n\
         users: [ $billfold_main_client_ada ]\n}}\n"
    );
    let server = NatsServer::start(&config).expect("there is one");
    let password = folder.path().join("password");
    std::fs::write(&password, "open sesame\n").expect("written");
    let mut options = NatsOptions::to([server.url()]);
    options.login = Login::PasswordFile { user: "ada".to_owned(), file: password.clone() };
    options.inbox_prefix = Some("_INBOX_ada".to_owned());
    runtime().block_on(async {
        let client = connect(&options).await.expect("connected");
        let patience =
            Patience { answer: PATIENCE, nobody: std::time::Duration::ZERO, whole: PATIENCE };
        let ask = NatsAsk::new(client, SubjectPrefix::default(), patience);
        let nobody = ask.patiently(&message("feed.read", &json!({}))).await;
        assert!(matches!(nobody, Err(Unanswered::NoResponders { .. })), "{nobody:?}");
        std::fs::write(&password, "guessed\n").expect("written");
        let refused = connect(&options).await.expect_err("refused").to_string();
        assert!(refused.contains("refuses user ada") && !refused.contains("guessed"), "{refused}");
    });
}

#[test]
fn a_key_file_is_for_its_owner_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ada.nk");
    let name = file.to_str().expect("UTF-8");
    let public = printed(folder.path(), &["nats", "keygen", name]);
    assert!(public.starts_with('U') && public.trim().len() == 56, "{public}");
    let seed = std::fs::read_to_string(&file).expect("written");
    assert!(seed.starts_with("SU"));
    let mode = std::fs::metadata(&file).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = run(folder.path(), &["nats", "keygen", name]);
    assert_eq!(again.status.code(), Some(5));
    assert_eq!(std::fs::read_to_string(&file).expect("there"), seed);
}
