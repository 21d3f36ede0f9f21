//! `book`: makes and lists books.

use client::{Node, SocketRemote};
use host::{Folder, Host, Role, opened};
use schemas::event::BookOpened;
use schemas::text::{Actor, BookName};
use terminal::{Output, View};

use crate::cli::{BookCommand, Opening};
use crate::exit::Failure;
use crate::talk;

/// Runs `book`.
///
/// # Errors
/// [`Failure`]: a book of this name is there, or the folder cannot be used.
pub fn run(
    command: &BookCommand,
    folder: &Folder,
    actor: &Actor,
    output: &Output,
) -> Result<(), Failure> {
    match command {
        BookCommand::Create { name, test_clock, profile, policies } => {
            let (profile, test_clock) = (*profile, *test_clock);
            let opening = Opening { profile, policies: policies.clone(), test_clock };
            let open = opening.command(name)?;
            let running = SocketRemote::connect(folder.socket(), name, actor)?.is_some();
            let host = Host::new(folder.clone(), Role::gateway())?;
            host.make(open)?;
            host.close();
            if running {
                talk::tell("the running process opens the book within seconds");
            }
            list(folder, std::slice::from_ref(name), output)
        }
        BookCommand::List => list(folder, &folder.books()?, output),
    }
}

/// The policies that are not as the profile says.
fn replaced(opened: &BookOpened) -> Vec<Node> {
    let usual = opened.profile.policies().words();
    let differ = opened.policies.words().into_iter().zip(usual).filter(|(has, usual)| has != usual);
    differ.map(|((policy, rule), _)| Node::Text(format!("{policy}={rule}"))).collect()
}

fn list(folder: &Folder, books: &[BookName], output: &Output) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for book in books {
        let mut reader = folder.reader(book)?;
        let head = reader.durable_head()?;
        let opened = opened(folder, book)?;
        rows.push(Node::object([
            ("book", Node::of(book)),
            ("position", Node::of(&head.last_position().unwrap_or(0))),
            ("profile", Node::of(&opened.as_ref().map(|opened| opened.profile))),
            ("policies", Node::List(opened.iter().flat_map(replaced).collect())),
            ("log", Node::of(&reader.identity().log().to_string())),
        ]));
    }
    let columns = View::Columns(&["book", "position", "profile", "policies", "log"]);
    Ok(output.document(columns, &Node::page(rows))?)
}
