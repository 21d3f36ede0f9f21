//! The NATS door against a real server: what is offered, what is refused, and that nothing is
//! lost when the door closes or the server goes away.

mod nats_book;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_nats::HeaderMap;
use client::nats::{NatsAsk, Patience, Unanswered};
use command_gateway::door::nats::{NatsDoor, NatsLimits};
use nats_connection::{NatsClient, NatsOptions, connect};
use schemas::subjects::{Role, SubjectPrefix, of_role};
use schemas::wire::{MAX_BATCH_BYTES, MAX_BATCH_COMMANDS, header};
use serde_json::{Value, json};
use tests::acme::{self, command, command_id};
use tests::nats::NatsServer;
use tests::wait::PATIENCE;

use nats_book::{Book, asks, document, message, runtime, until_true};

#[test]
fn the_service_api_lists_every_endpoint_and_counts_real_errors() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let ask = asks(&options).await;
        let refused = ask.once(&message("admin.nothing", &json!({}))).await;
        assert!(matches!(refused, Err(Unanswered::NoResponders { .. })), "{refused:?}");
        let wrong = ask.once(&message("feed.read", &json!({"limt": 1}))).await.expect("answered");

        let problem = document(&wrong);
        assert_eq!(wrong.headers[header::SERVICE_ERROR_CODE], "400");
        assert_eq!(wrong.headers[header::SERVICE_ERROR], "malformed");
        assert_eq!(problem["errors"][0]["pointer"], "/limt", "{problem}");

        let client = connect(&options).await.expect("connected");
        let info = service_api(&client, "INFO").await;
        let mut listed: Vec<String> = endpoints(&info).keys().cloned().collect();
        let mut registered: Vec<String> =
            of_role(Role::Gateway).into_iter().map(|one| one.name).collect();
        listed.sort();
        registered.sort();
        assert_eq!(listed, registered);
        assert_eq!(info["metadata"]["book"], acme::BOOK);
        assert_eq!(info["metadata"]["role"], "gateway");
        assert_eq!(endpoints(&info)["command-batch"]["queue_group"], "billfold");

        let stats = service_api(&client, "STATS").await;
        let feed = &endpoints(&stats)["feed-read"];
        assert_eq!(feed["num_requests"], 1, "{feed}");
        assert_eq!(feed["data"]["problems"], json!({"malformed": 1}));
        assert_eq!(feed["data"]["service"]["position"], 1);
        serving.close().await;
    });
}

#[test]
fn a_book_that_is_not_here_has_no_responders_and_another_prefix_is_another_installation() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let client = connect(&options).await.expect("connected");
        for subject in ["billfold.other.as.ada.admin.status", "emea.main.as.ada.admin.status"] {
            let asked = client.client().request(subject, "".into()).await;
            let kind = asked.expect_err("nobody").kind();
            assert_eq!(kind, async_nats::client::RequestErrorKind::NoResponders, "{subject}");
        }
        serving.close().await;
    });
}

#[test]
fn a_full_door_answers_busy_at_once_and_takes_requests_again() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let limits = NatsLimits { gateway_in_flight: 1, projector_in_flight: 1 };
        let (_, serving) = book.serve(&options, limits).await;
        let ask = asks(&options).await;
        // Waits for a commit behind the first, and keeps the only place until then.
        let log = book.handle().log().simple().to_string();
        let wait = message("feed.read", &json!({"after": format!("{log}:1"), "wait_ms": 500}));
        let waiting = tokio::spawn({
            let ask = ask.clone();
            async move { ask.patiently(&wait).await }
        });
        let status = message("admin.status", &json!({}));
        let busy = tokio::time::timeout(PATIENCE, async {
            loop {
                let reply = ask.once(&status).await.expect("answered");
                if reply.is_problem() {
                    return reply;
                }
            }
        });
        let busy = busy.await.expect("the door is full while somebody waits");
        assert_eq!(busy.headers[header::SERVICE_ERROR_CODE], "429");
        let problem = document(&busy);
        assert_eq!(problem["code"], "busy");
        assert!(problem["retry_after_ms"].is_u64(), "{problem}");

        assert!(!waiting.await.expect("no panic").expect("answered").is_problem());
        let again = ask.patiently(&status).await.expect("answered");
        assert!(!again.is_problem(), "there is room again");
        let client = connect(&options).await.expect("connected");
        let stats = service_api(&client, "STATS").await;
        assert!(endpoints(&stats)["admin-status"]["data"]["busy"].as_u64() > Some(0));
        serving.close().await;
    });
}

#[test]
fn what_cannot_be_answered_to_its_sender_is_not_carried_out() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let client = connect(&options).await.expect("connected");
        let nats = client.client();
        let (name, body) = acme::opening().remove(0);
        let subject = format!("billfold.main.as.ada.command.{name}");
        let mut headers = HeaderMap::new();
        headers.insert(header::COMMAND_ID, command_id(1).to_string());
        let body = body.to_string();
        nats.publish_with_headers(subject.clone(), headers.clone(), body.clone().into())
            .await
            .expect("published");
        for reply in ["_INBOX_eve.1", "billfold.main.as.eve.command.payment.record", "$SRV.PING"] {
            let headers = headers.clone();
            nats.publish_with_reply_and_headers(
                subject.clone(),
                reply,
                headers,
                body.clone().into(),
            )
            .await
            .expect("published");
        }
        until_true("all four are counted", || async {
            let stats = service_api(&client, "STATS").await;
            endpoints(&stats)["command-entity-define"]["data"]["unanswerable"] == 4
        })
        .await;
        assert_eq!(book.position(), 1, "nothing was done");
        serving.close().await;
    });
}

#[test]
fn a_header_given_twice_with_two_values_is_refused() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let client = connect(&options).await.expect("connected");
        let mut headers = HeaderMap::new();
        headers.append(header::COMMAND_ID, command_id(1).to_string());
        headers.append(header::COMMAND_ID, command_id(2).to_string());
        let subject = "billfold.main.as.ada.command.plan.retire";
        let answer = client.client().request_with_headers(subject, headers, "{}".into()).await;
        let answer = answer.expect("answered");
        let problem: Value = serde_json::from_slice(&answer.payload).expect("JSON");
        assert_eq!(problem["code"], "malformed");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(header::COMMAND_ID)));
        serving.close().await;
    });
}

#[test]
fn a_batch_of_a_thousand_and_one_of_half_a_mebibyte_go_through_a_server_with_its_own_limits() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::with_customers(1);
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let ask = asks(&options).await;
        let pay = |n: u64| {
            let id = command_id(n).to_string();
            json!({"command": "payment.record", "command_id": id, "body": acme::pay(1, n, "1.00")})
        };
        let whole = MAX_BATCH_COMMANDS as u64;
        let batch = json!({"commands": (1..=whole).map(pay).collect::<Vec<_>>()});
        let answered = ask.patiently(&message("command.batch", &batch)).await.expect("answered");
        let answers = document(&answered)["answers"].as_array().expect("answers").clone();
        assert_eq!(answers.len() as u64, whole, "all fit below the limit");
        assert!(answers.iter().all(|answer| answer["status"] == "accepted"));

        let mut large = json!({"commands": [pay(2_000)]}).to_string();
        large.push_str(&" ".repeat(MAX_BATCH_BYTES - large.len()));
        let mut sent = message("command.batch", &json!(null));
        sent.body = large.clone().into_bytes();
        let answered = ask.patiently(&sent).await.expect("answered");
        assert_eq!(document(&answered)["answers"][0]["status"], "accepted");

        sent.body.push(b' ');
        let refused = document(&ask.patiently(&sent).await.expect("answered"));
        assert_eq!(refused["code"], "too_large", "{refused}");
        sent.body = vec![b' '; 2 << 20];
        assert!(matches!(ask.patiently(&sent).await, Err(Unanswered::TooLarge { .. })));
        serving.close().await;
    });
}

#[test]
fn an_answer_larger_than_the_server_carries_is_a_problem_that_says_so() {
    let Some(server) = NatsServer::start("max_payload: 4KB") else { return };
    let book = Book::with_customers(20);
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let ask = asks(&options).await;
        let reply = ask.patiently(&message("feed.read", &json!({}))).await.expect("answered");
        assert_eq!(document(&reply)["code"], "too_large", "{:?}", document(&reply));
        let few = ask.patiently(&message("feed.read", &json!({"limit": 1}))).await;
        assert!(!few.expect("answered").is_problem());
        serving.close().await;
    });
}

#[test]
fn a_request_whose_deadline_passed_is_not_carried_out() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let ask = asks(&options).await;
        let (name, body) = acme::opening().remove(0);
        let mut late = command(command_id(1), name, &body);
        let mut question = message("feed.read", &json!({}));
        for message in [&mut late, &mut question] {
            let deadline = "2020-01-01T00:00:00Z".to_owned();
            message.headers.insert(header::DEADLINE.to_owned(), deadline);
            let reply = ask.once(message).await.expect("answered");
            assert_eq!(document(&reply)["code"], "deadline_exceeded");
        }
        assert_eq!(book.position(), 1);
        serving.close().await;
    });
}

/// Payments by number, with the answer of each.
type Answers = Vec<(u64, Result<Value, Unanswered>)>;

/// Clients that pay, each payment once, until they are told to stop. What each answer was.
struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    clients: Vec<tokio::task::JoinHandle<Answers>>,
}

impl Load {
    /// Each client uses its own numbers.
    fn start(ask: &NatsAsk, clients: u64, patient: bool) -> Self {
        let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients = (0..clients).map(|client| {
            let (ask, stop, accepted) = (ask.clone(), Arc::clone(&stop), Arc::clone(&accepted));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for n in client * 100_000 + 1.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let pay = acme::pay(1, n, "1.00");
                    let message = command(command_id(n), "payment.record", &pay);
                    let reply = if patient {
                        ask.patiently(&message).await
                    } else {
                        ask.once(&message).await
                    };
                    let nobody = matches!(reply, Err(Unanswered::NoResponders { .. }));
                    let answer = reply.map(|reply| document(&reply));
                    if answer.as_ref().is_ok_and(|answer| answer["status"] == "accepted") {
                        accepted.fetch_add(1, Ordering::Relaxed);
                    }
                    answers.push((n, answer));
                    if nobody {
                        break;
                    }
                }
                answers
            })
        });
        Self { clients: clients.collect(), stop, accepted }
    }

    async fn until_accepted(&self, count: u64) {
        let target = self.accepted.load(Ordering::Relaxed) + count;
        until_true("more is accepted", || async {
            self.accepted.load(Ordering::Relaxed) >= target
        })
        .await;
    }

    async fn finish(self) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        let mut answers = Vec::new();
        for client in self.clients {
            answers.extend(client.await.expect("no panic"));
        }
        answers
    }
}

/// How often each payment's command is in the log.
fn commits_of(commits: &[schemas::Commit]) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for commit in commits {
        *times.entry(commit.command_id.to_string()).or_default() += 1;
    }
    times
}

#[test]
fn a_door_that_closes_under_load_answers_everything_it_took() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::with_customers(1);
    let answers = runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (_, serving) = book.serve(&options, NatsLimits::default()).await;
        let client = connect(&options).await.expect("connected");
        let patience = Patience { answer: PATIENCE / 6, nobody: PATIENCE, whole: PATIENCE };
        let ask = NatsAsk::new(client, SubjectPrefix::default(), patience);
        let load = Load::start(&ask, 64, false);
        load.until_accepted(500).await;
        serving.close().await;
        // Every client goes on until nobody is there any more.
        let mut answers = Vec::new();
        for client in load.clients {
            answers.extend(client.await.expect("no panic"));
        }
        answers
    });
    let (_folder, commits) = book.close_and_read();
    let times = commits_of(&commits);
    for (n, answer) in &answers {
        let found = times.get(&command_id(*n).to_string()).copied().unwrap_or(0);
        match answer {
            Ok(answer) if answer["status"] == "accepted" => assert_eq!(found, 1, "payment {n}"),
            Ok(answer) => {
                assert_eq!(answer["code"], "unavailable", "{answer}");
                assert_eq!(found, 0, "payment {n} was refused");
            }
            Err(Unanswered::NoResponders { .. }) => assert_eq!(found, 0, "payment {n}"),
            Err(error) => panic!("payment {n}: {error}"),
        }
    }
    assert!(answers.len() > 500);
}

#[test]
fn a_server_that_is_killed_and_restarted_under_load_loses_and_doubles_nothing() {
    let Some(mut server) = NatsServer::start("") else { return };
    let book = Book::with_customers(1);
    let answers = runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let (served, serving) = book.serve(&options, NatsLimits::default()).await;
        let ask = asks(&options).await;
        let load = Load::start(&ask, 16, true);
        for _ in 0..2 {
            load.until_accepted(200).await;
            tokio::task::block_in_place(|| {
                server.kill();
                server.restart();
            });
        }
        load.until_accepted(200).await;
        let answers = load.finish().await;
        let health = served.health().report();
        assert!(health.connected && health.disconnects >= 2 && health.connects >= 3, "{health:?}");
        serving.close().await;
        answers
    });
    let (_folder, commits) = book.close_and_read();
    let times = commits_of(&commits);
    for (n, answer) in answers {
        let answer = answer.unwrap_or_else(|error| panic!("payment {n}: {error}"));
        assert_eq!(answer["status"], "accepted", "payment {n}: {answer}");
        assert_eq!(times.get(&command_id(n).to_string()), Some(&1), "payment {n}");
    }
    assert!(times.values().all(|times| *times == 1));
}

#[test]
fn a_process_starts_before_its_server_and_serves_once_it_is_there() {
    let Some(mut server) = NatsServer::start("") else { return };
    server.kill();
    let book = Book::create();
    runtime().block_on(async {
        let mut options = NatsOptions::to([server.url()]);
        let refused = connect(&options).await.expect_err("nobody is there").to_string();
        assert!(refused.contains("cannot be reached"), "{refused}");

        options.waits_for_server = true;
        let client = connect(&options).await.expect("waits");
        let door = NatsDoor::new(client, SubjectPrefix::default(), NatsLimits::default());
        let serving = door.start(book.router(), vec![book.service()]).await.expect("started");
        tokio::task::block_in_place(|| server.restart());
        let ask = asks(&options).await;
        let status = ask.patiently(&message("admin.status", &json!({}))).await.expect("answered");
        assert_eq!(document(&status)["book"], "main");
        serving.close().await;
    });
}

#[test]
fn messages_that_the_library_had_to_drop_are_counted_as_an_alarm() {
    let Some(server) = NatsServer::start("") else { return };
    let book = Book::create();
    runtime().block_on(async {
        let mut options = NatsOptions::to([server.url()]);
        let flood = connect(&options).await.expect("connected");
        options.subscription_capacity = 1;
        let (served, serving) = book.serve(&options, NatsLimits::default()).await;
        assert_eq!(served.health().slow_consumers(), 0);
        until_true("messages come faster than one can be kept", || async {
            for _ in 0..1_000 {
                let published = flood.client().publish_with_reply(
                    "billfold.main.as.ada.admin.status",
                    "_INBOX.nobody",
                    "{}".into(),
                );
                published.await.expect("published");
            }
            served.health().slow_consumers() > 0
        })
        .await;
        assert!(served.health().report().last_error.is_some_and(|e| e.contains("slow consumer")));
        serving.close().await;
    });
}

/// What the gateway answers to the service API.
async fn service_api(client: &NatsClient, verb: &str) -> Value {
    let subject = format!("$SRV.{verb}.billfold-gateway");
    let answer = client.client().request(subject, "".into()).await.expect("answered");
    serde_json::from_slice(&answer.payload).expect("JSON")
}

/// Endpoints by name.
fn endpoints(answer: &Value) -> BTreeMap<String, Value> {
    let all = answer["endpoints"].as_array().expect("endpoints").iter();
    all.map(|one| (one["name"].as_str().expect("a name").to_owned(), one.clone())).collect()
}
